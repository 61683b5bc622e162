// Pages that wait for this person: a number in the title and a sound, in a background tab too. The sound is made
// here; its repetitions are planned ahead on the audio clock, which a browser does not slow down when nobody looks.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const KEY = "zelo-sound";
  const EVERY_S = 10;
  const AHEAD_S = 120;
  const AGAIN_MS = 1_500;

  const switcher = $("#sound");
  if (!switcher) return;
  const warning = $("#sound-blocked");
  let context = null;
  let planned = [];
  let plannedUntil = 0;
  let unread = 0;

  const wanted = () => localStorage.getItem(KEY) === "on";

  function awake() {
    if (!context && "AudioContext" in window) {
      context = new AudioContext();
      context.addEventListener("statechange", show);
    }
    return context?.state === "running";
  }

  // Two short notes, the second higher: heard across a room and over in half a second.
  function note(at) {
    for (const [after, pitch] of [[0, 660], [0.22, 880]]) {
      const tone = context.createOscillator(), loudness = context.createGain();
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0, at + after);
      loudness.gain.linearRampToValueAtTime(0.35, at + after + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.001, at + after + 0.2);
      tone.connect(loudness).connect(context.destination);
      tone.start(at + after);
      tone.stop(at + after + 0.22);
      planned.push(tone);
    }
  }

  function hush() {
    for (const tone of planned) { try { tone.stop(); } catch { /* It had ended. */ } }
    planned = [];
    plannedUntil = 0;
  }

  function ring() {
    if (unread === 0 || !wanted() || !awake()) return;
    let at = Math.max(plannedUntil, context.currentTime + 0.05);
    planned = planned.slice(-2 * AHEAD_S / EVERY_S);
    for (; at < context.currentTime + AHEAD_S; at += EVERY_S) note(at);
    plannedUntil = at;
    switcher.dataset.rang = String(Number(switcher.dataset.rang ?? 0) + 1);
  }

  function show() {
    const on = wanted();
    switcher.hidden = false;
    switcher.setAttribute("aria-pressed", String(on));
    $(".sound-word", switcher).textContent = on ? switcher.dataset.on : switcher.dataset.off;
    // A browser plays nothing before its person has touched the page.
    warning.hidden = !(on && !awake());
    switcher.dataset.state = !on ? "off" : awake() ? "on" : "blocked";
  }

  switcher.addEventListener("click", () => {
    const on = !wanted();
    localStorage.setItem(KEY, on ? "on" : "off");
    if (!on) hush();
    else if (awake()) note(context.currentTime + 0.05);
    show();
    if (on) { context?.resume(); ring(); }
  });
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    if (!wanted()) hush();
    show();
    ring();
  });
  for (const touch of ["pointerdown", "keydown"]) {
    document.addEventListener(touch, () => {
      if (wanted() && !awake()) context?.resume().then(() => { show(); ring(); });
    });
  }

  function look() {
    const pager = $("#pager");
    if (!pager) return;
    const now = Number(pager.dataset.unread);
    const more = now > unread;
    unread = now;
    document.body.dataset.pages = String(now);
    document.body.dispatchEvent(new CustomEvent("zelo:pages"));
    if (now === 0) hush();
    else if (more) { hush(); ring(); }
    if ("again" in pager.dataset) setTimeout(() => document.body.dispatchEvent(new CustomEvent("zelo:pager")), AGAIN_MS);
    seen();
  }

  // Whoever has the place open, and looks, has seen the page for it.
  function seen() {
    if (document.visibilityState !== "visible") return;
    if (![...document.querySelectorAll("#pager a")].some((link) => link.pathname === location.pathname)) return;
    fetch("/pager", { method: "POST", body: new URLSearchParams({ link: location.pathname }), headers: { "x-zelo-form": "1" }, credentials: "same-origin" }).catch(() => {});
  }

  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("visibilitychange", seen);
  setInterval(ring, 30_000);
  show();
  look();
})();

// What a page needs beyond HTML: liveness and the keyboard. Signals carry names and ids only; whatever they
// announce is asked for again, so that the server decides, now, what this reader may see.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;
  const live = $("#live");
  const POLL_MS = 30_000;
  const UNSURE_MS = 5_000;
  const SHOWN_MS = 6_000;
  const SETTLED_MS = 800;
  const STILL_MS = 3_000;

  /* Connection: the light in the rail, the banner, the poll that stands in for the stream. */

  let offlineSince = null;
  let connected = false;
  // A newer page of the same person took this page's place: it comes back when somebody looks at it.
  let superseded = false;

  const clock = (at) => {
    const zone = body.dataset.zone;
    return new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(at);
  };

  function showConnection() {
    const light = $("#live-state");
    if (light) {
      light.classList.toggle("is-on", connected);
      light.classList.toggle("is-off", !connected && offlineSince !== null);
      if (connected || offlineSince) $(".live-word", light).textContent = connected ? light.dataset.on : light.dataset.off;
    }
    const banner = $("#offline");
    banner.hidden = connected || offlineSince === null;
    if (!banner.hidden) $("span", banner).textContent = body.dataset.sayOffline.replace("{time}", clock(offlineSince));
  }

  function wentOn() {
    const missed = offlineSince !== null;
    connected = true;
    offlineSince = null;
    showConnection();
    if (missed) refetchAll();
  }

  function wentOff() {
    connected = false;
    offlineSince ??= new Date();
    showConnection();
    // Without the stream a revocation would go unseen: health data must be confirmed or hidden.
    confirmHealth(null);
  }

  function refetchAll() {
    body.dispatchEvent(new CustomEvent("zelo:poll"));
    confirmHealth(null);
  }

  if (live) {
    document.addEventListener("htmx:sse:after:connection", wentOn);
    document.addEventListener("htmx:sse:error", wentOff);
    document.addEventListener("htmx:sse:before:connection", (event) => {
      if (event.detail.connection.attempt > 0) wentOff();
    });
    document.addEventListener("htmx:sse:close", (event) => {
      superseded = event.detail.reason === "message";
      if (event.detail.reason !== "removed") wentOff();
    });
    document.addEventListener("htmx:error", (event) => {
      if (event.target === live) wentOff();
    });
    window.addEventListener("offline", wentOff);
    setInterval(() => { if (!connected) body.dispatchEvent(new CustomEvent("zelo:poll")); }, POLL_MS);
    // A stream that never opened, or was superseded, is tried again: the extension only resumes one that did open.
    const listen = () => {
      if (connected || live._htmx?.sse || (superseded && document.hidden)) return;
      htmx.ajax("GET", "/api/v1/live", { source: live, swap: "none" });
    };
    setInterval(listen, 10_000);
    document.addEventListener("visibilitychange", () => { if (superseded) listen(); });
    live.addEventListener("consent.changed", (event) => confirmHealth(event));
    live.addEventListener("reset", refetchAll);
  }

  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx?.response?.status === 401) location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
  });

  /* Consent: what shows health data is hidden until the server has rendered it anew, or for good. */

  function confirmHealth(event) {
    const patient = event ? read(event.detail?.data).patient_id : undefined;
    for (const held of $$("[data-health]")) {
      if (patient && held.dataset.health !== patient) continue;
      const part = held.closest("[data-refetch]");
      if (!part) continue;
      if (event) hide(held);
      const timer = setTimeout(() => hide(held), UNSURE_MS);
      part.addEventListener("zelo:fresh", () => { clearTimeout(timer); show(part); }, { once: true });
    }
    for (const part of $$("[data-refetch]")) part.dispatchEvent(new CustomEvent("zelo:refetch"));
    document.dispatchEvent(new CustomEvent("zelo:consent", { detail: { patient, sure: !event } }));
  }

  const hide = (held) => { if (held.isConnected) held.setAttribute("data-masked", body.dataset.sayMasked); };
  const show = (part) => { for (const held of [part, ...$$("[data-health]", part)]) held.removeAttribute("data-masked"); };

  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    const source = ctx?.sourceElement;
    if (source?.id && ctx.response?.status < 500) document.getElementById(source.id)?.dispatchEvent(new CustomEvent("zelo:fresh"));
    countRed();
  });

  function read(data) {
    try { return JSON.parse(data ?? "{}") ?? {}; } catch { return {}; }
  }

  /* The number of open reds: in the title, and said aloud when it grows. */

  const title = document.title;
  let reds = null;

  function countRed() {
    const held = $("#rows [data-red-open]") ?? $("[data-red-open]");
    if (!held) return;
    const now = Number(held.dataset.redOpen);
    if (reds !== null && now > reds) say(body.dataset.sayNewRed);
    reds = now;
    badge();
  }

  // Pages that wait for this very person come before the number of reds.
  function badge() {
    const now = Number(body.dataset.pages ?? 0) || reds || 0;
    document.title = now > 0 ? `(${now}) ${title}` : title;
  }
  body.addEventListener("zelo:pages", badge);

  // What a hand just did stays until it was read, whatever else happens meanwhile.
  function say(text) {
    const left = toldAt + SHOWN_MS - performance.now();
    if (left > 0) setTimeout(() => say(text), left);
    else put(text);
  }

  function put(text) {
    const place = $("#say");
    place.classList.remove("is-shown");
    place.textContent = "";
    requestAnimationFrame(() => { place.textContent = text; });
  }

  let shownUntil = null;
  let toldAt = -Infinity;

  // Said aloud and shown for a while, over the page and never in its flow: nothing moves for it.
  function tell(text) {
    toldAt = performance.now();
    put(text);
    clearTimeout(shownUntil);
    requestAnimationFrame(() => $("#say").classList.add("is-shown"));
    shownUntil = setTimeout(() => put(""), SHOWN_MS);
  }

  /* Waiting times keep counting between two renderings. */

  function span(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${m} min`;
    if (s < 86400) return `${h} h ${String(m % 60).padStart(2, "0")}`;
    return `${d} d ${h % 24} h`;
  }

  setInterval(() => {
    for (const time of $$("time[data-wait]")) {
      const text = span((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const time of $$("time[data-left]")) {
      const left = (Date.parse(time.dateTime) - Date.now()) / 1000;
      // For whom movement disturbs, minutes count down and the last one in steps of ten seconds.
      const shown = !still ? left : left > 60 ? Math.ceil(left / 60) * 60 : Math.ceil(left / 10) * 10;
      const text = left <= 0 ? time.dataset.left : shown < 3600 ? `${Math.floor(shown / 60)}:${String(Math.floor(shown % 60)).padStart(2, "0")}` : span(shown);
      if (time.textContent !== text) time.textContent = text;
      time.classList.toggle("is-due", left <= 0);
    }
  }, 1000);

  /* One tap, one act: a button that has just moved or just come is not what the finger was aimed at. Such a tap does
     nothing but say so, and the queue then holds still, so that the next one is sure. */

  const AT_ONCE = "[data-claim], [data-ack], [data-unack], .row-acts a";
  const deed = (button) => button.form?.getAttribute("action") ?? button.getAttribute("href") ?? "";
  let places = new Map();
  let settling = null;
  let stillUntil = 0;
  let later = null;

  function settle(now = performance.now()) {
    const seen = new Map();
    for (const button of $$(AT_ONCE)) {
      const box = button.getBoundingClientRect();
      const x = box.left + scrollX, y = box.top + scrollY, was = places.get(deed(button));
      // A place that the browser kept under the reader's eye while the page grew above it has not moved.
      const stood = was && (Math.abs(was.x - x) < 2 && Math.abs(was.y - y) < 2 || Math.abs(was.left - box.left) < 2 && Math.abs(was.top - box.top) < 2);
      seen.set(deed(button), { x, y, left: box.left, top: box.top, since: stood ? was.since : now });
    }
    places = seen;
    const moved = Math.max(...[...seen.values()].map((place) => place.since), -Infinity);
    body.toggleAttribute("data-moving", now - moved < SETTLED_MS);
    clearTimeout(settling);
    if (body.hasAttribute("data-moving")) settling = setTimeout(settle, moved + SETTLED_MS - now + 1);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(AT_ONCE);
    // Keys press what has the focus, wherever it lies.
    if (!button || event.detail === 0) return;
    if (performance.now() - (places.get(deed(button))?.since ?? -Infinity) >= SETTLED_MS) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stillUntil = performance.now() + STILL_MS;
    // The second tap of two is answered by what the first one did.
    if (performance.now() - toldAt > SETTLED_MS) tell(body.dataset.sayMoved);
  }, true);

  document.addEventListener("htmx:before:swap", (event) => {
    const left = stillUntil - performance.now();
    if (event.detail?.ctx?.sourceElement?.id !== "rows" || left <= 0) return;
    event.preventDefault();
    later ??= setTimeout(() => { later = null; body.dispatchEvent(new CustomEvent("zelo:poll")); }, left);
  });

  document.addEventListener("htmx:after:swap", () => settle());

  // As soon as it is answered: the live queue may have taken the row away by then, and nothing is swapped for it.
  document.addEventListener("htmx:after:request", (event) => {
    const ctx = event.detail?.ctx;
    const done = ctx?.response?.status < 400 && ctx.sourceElement?.dataset?.done;
    if (done) tell(done);
  });

  new ResizeObserver(() => settle()).observe($(".stage"));
  document.addEventListener("scrollend", () => settle());
  // After an act the page comes anew, with another act where the first one was.
  settle(performance.getEntriesByType("navigation")[0]?.type === "reload" ? performance.now() : -Infinity);

  /* Forms: a refusal is shown beside the field it means, and what was typed stays. Without this script the server
     answers with pages. */

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-inline]")) return;
    event.preventDefault();
    const button = event.submitter;
    if (form.hasAttribute("aria-busy")) return;
    const sent = new FormData(form, button);
    form.setAttribute("aria-busy", "true");
    say(body.dataset.saySending);
    try {
      const answer = await fetch(button?.getAttribute("formaction") ?? form.getAttribute("action"), {
        method: "POST", body: form.enctype === "multipart/form-data" ? sent : new URLSearchParams(sent), headers: { "x-zelo-form": "1" }, credentials: "same-origin",
      });
      const to = answer.headers.get("x-zelo-to");
      if (to) return goTo(to);
      if (answer.status === 401) return location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
      refuse(form, await answer.text());
    } catch {
      refuse(form, null);
    } finally {
      form.removeAttribute("aria-busy");
      say("");
    }
  });

  // The same page with another anchor would not be loaded again.
  function goTo(to) {
    const next = new URL(to, location.href);
    const same = next.pathname === location.pathname && next.search === location.search;
    if (!same) return location.assign(next);
    history.replaceState(null, "", next);
    location.reload();
  }

  function refuse(form, html) {
    let place = $(".form-refusal", form);
    if (!place) {
      place = document.createElement("div");
      place.className = "form-refusal";
      form.prepend(place);
    }
    if (html === null) {
      const told = document.createElement("p");
      told.className = "refusal";
      told.textContent = body.dataset.sayFailed;
      place.replaceChildren(told);
    } else place.innerHTML = html;
    const told = $(".refusal", place);
    if (!told) return;
    told.id = `refusal-${form.id || [...document.forms].indexOf(form)}`;
    told.setAttribute("role", "alert");
    told.tabIndex = -1;
    for (const wrong of $$("[aria-invalid]", form)) unwrong(wrong);
    const named = told.dataset.field && form.elements[told.dataset.field];
    const fields = !named ? [] : named instanceof RadioNodeList ? [...named] : [named];
    for (const field of fields) {
      field.dataset.described = field.getAttribute("aria-describedby") ?? "";
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${told.id} ${field.dataset.described}`.trim());
    }
    (fields[0] ?? told).focus();
  }

  function unwrong(field) {
    field.removeAttribute("aria-invalid");
    if (field.dataset.described) field.setAttribute("aria-describedby", field.dataset.described);
    else field.removeAttribute("aria-describedby");
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("form[data-inline] [aria-invalid]")) unwrong(event.target);
  });

  /* Keyboard: every key presses something that is also on the page. */

  const rows = () => $$("[data-row]");
  const current = () => document.activeElement?.closest?.("[data-row]");

  function move(step) {
    const all = rows();
    if (all.length === 0) return;
    const at = all.indexOf(current());
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    $(".row-link", next)?.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    o: () => $(".row-link", current() ?? undefined)?.click(),
    c: () => $("[data-claim]", current() ?? document)?.click(),
    r: () => {
      const row = current();
      if (row) return $(".row-link", row)?.click();
      const summary = $("[data-resolve]");
      if (summary) { summary.parentElement.open = true; $("input:not([type=hidden]), textarea", summary.parentElement)?.focus(); }
    },
    "/": () => {
      const field = $("[data-search]");
      const fold = field?.closest("details");
      if (fold) fold.open = true;
      field?.focus();
    },
    "?": () => $("#keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, select, textarea, dialog")) {
      if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
      return;
    }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    const chosen = event.target.closest("[data-select]");
    if (chosen) chosen.select();
  });

  // A menu of the narrow screen closes when one looks elsewhere.
  document.addEventListener("click", (event) => {
    const menu = $(".rail .menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = $(".rail .menu[open]");
    if (menu && event.key === "Escape") { menu.open = false; $("summary", menu).focus(); }
  });

  $("[data-focus]")?.focus();
  countRed();
})();

// One signal over time: points from the series API, drag to zoom, thresholds and alert marks. It never shows what
// the server would refuse now: a change of consent hides it until the server has answered again.
"use strict";
(() => {
  const POINTS = 1200;
  const UNSURE_MS = 5_000;
  const charts = new Map();

  // Steps of an axis whose numbers are written with so many digits: 1, 2, 5, 10, …
  const steps = (digits) => Array.from({ length: 18 }, (_, i) => [1, 2, 5][i % 3] * 10 ** (Math.floor(i / 3) - digits));

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.data = figure.dataset;
      this.place = figure.querySelector("[data-plot]");
      this.word = figure.querySelector("[data-say]");
      this.out = figure.querySelector("[data-zoom-out]");
      this.whole = [Date.parse(this.data.from), Date.parse(this.data.to)];
      this.span = this.whole;
      this.bands = JSON.parse(this.data.bands || "[]");
      this.marks = JSON.parse(this.data.marks || "[]");
      this.out.addEventListener("click", () => { this.span = this.whole; this.load(); });
      for (const button of figure.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => this.step(button.dataset.zoom));
      this.resizer = new ResizeObserver(() => this.plot?.setSize(this.size()));
      this.resizer.observe(this.place);
      this.load();
    }

    // What a drag does, by button: half of the span from its middle, or half a span aside.
    step(way) {
      const [from, to] = this.span, half = (to - from) / 2;
      const shift = { in: [half / 2, -half / 2], earlier: [-half, -half], later: [half, half] }[way];
      const next = [from + shift[0], to + shift[1]];
      if (next[1] - next[0] < 10_000 || next[0] >= this.whole[1]) return;
      this.span = next;
      this.load();
    }

    get lang() { return document.documentElement.lang; }
    size() { return { width: Math.max(240, this.place.clientWidth), height: innerWidth < 600 ? 240 : 300 }; }
    say(text) { this.word.textContent = text ?? ""; }

    // Asks for the points of the span; a newer question replaces an older one.
    async load() {
      this.asking?.abort();
      const asking = (this.asking = new AbortController());
      const [from, to] = this.span;
      const query = new URLSearchParams({
        signal: this.data.signal,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        points: String(Math.min(POINTS, Math.max(200, this.place.clientWidth * 2))),
      });
      if (!this.plot) this.say(this.data.sayLoading);
      try {
        const answer = await fetch(`${this.data.series}?${query}`, { signal: asking.signal, headers: { accept: "application/json", "accept-language": this.lang }, credentials: "same-origin" });
        if (answer.status === 403) return this.mask(await answer.json().catch(() => ({})));
        if (!answer.ok) throw new Error(String(answer.status));
        const series = await answer.json();
        if (asking.signal.aborted) return;
        clearTimeout(this.doubt);
        this.doubt = null;
        this.unmask();
        this.draw(series.buckets);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (!this.doubt && !this.plot) this.say(this.data.sayFailed);
        return error;
      }
    }

    // Nothing of what was drawn stays in the page.
    mask(problem) {
      clearTimeout(this.doubt);
      this.doubt = null;
      this.plot?.destroy();
      this.plot = null;
      this.rows([]);
      this.figure.setAttribute("data-masked", problem?.code ?? "");
      const parts = problem ? [this.data.sayNoBasis, [problem.title, problem.article && `(${problem.article})`].filter(Boolean).join(" "), problem.code] : [this.data.sayUnsure];
      this.say(parts.filter(Boolean).join(" · "));
    }

    unmask() {
      this.figure.removeAttribute("data-masked");
      this.say("");
    }

    // Consent may have changed. `sure` while nothing says so yet: the drawing stays up to five seconds.
    question(sure) {
      if (!sure) this.figure.setAttribute("data-masked", "");
      if (!sure) this.say(this.data.sayUnsure);
      this.doubt ??= setTimeout(() => { this.asking?.abort(); this.mask(null); }, UNSURE_MS);
      // The part around the chart is being asked for again: only if it still holds the chart are points asked for.
      if (!this.part) this.load();
    }

    get part() { return this.figure.closest("[data-refetch]"); }

    draw(buckets) {
      const at = buckets.map((bucket) => (typeof bucket[0] === "number" ? bucket[0] : Date.parse(bucket[0])) / 1000);
      const column = (i) => buckets.map((bucket) => bucket[i]);
      const data = [at, column(1), column(2), column(3)];
      this.say(buckets.length ? "" : this.data.sayEmpty);
      this.out.hidden = this.span === this.whole;
      this.rows(buckets);
      if (this.plot) {
        this.plot.setData(data, false);
        this.plot.batch(() => { this.plot.setScale("x", { min: this.span[0] / 1000, max: this.span[1] / 1000 }); });
        return;
      }
      this.plot = new uPlot(this.options(), data, this.place);
    }

    options() {
      const style = getComputedStyle(this.figure);
      const tone = (name) => style.getPropertyValue(name).trim();
      const ink = resolved(this.figure, "--ink-soft"), line = resolved(this.figure, "--line"), accent = resolved(this.figure, "--accent");
      const digits = Number(this.data.digits);
      const number = new Intl.NumberFormat(this.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
      const show = (u, value) => (value == null ? "–" : number.format(value));
      const zone = document.body.dataset.zone;
      const short = new Intl.DateTimeFormat(this.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
      const day = new Intl.DateTimeFormat(this.lang, { day: "2-digit", month: "2-digit", timeZone: zone });
      const full = new Intl.DateTimeFormat(this.lang, { dateStyle: "short", timeStyle: "medium", hourCycle: "h23", timeZone: zone });
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `12px ${tone("--font") || "sans-serif"}` };
      const self = this;
      return {
        ...this.size(),
        tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zone),
        cursor: { drag: { x: true, y: false, setScale: false, dist: 8 }, y: false },
        select: { show: true },
        scales: {
          x: { time: true, range: () => [self.span[0] / 1000, self.span[1] / 1000] },
          y: { range: (u, min, max) => self.reach(min, max) },
        },
        axes: [
          { ...axis, values: (u, ticks) => ticks.map((tick, i) => {
            const date = new Date(tick * 1000), before = i > 0 ? new Date(ticks[i - 1] * 1000) : null;
            const newDay = !before || day.format(before) !== day.format(date);
            return ticks.length > 1 && ticks[1] - ticks[0] >= 86400 ? day.format(date) : newDay ? `${short.format(date)}\n${day.format(date)}` : short.format(date);
          }) },
          // No step finer than what is written: else the same number stands at two heights.
          { ...axis, size: 56, incrs: steps(digits), values: (u, ticks) => ticks.map((tick) => number.format(tick)) },
        ],
        series: [
          { label: this.data.sayAt, value: (u, at) => (at == null ? "–" : full.format(new Date(at * 1000))) },
          { label: this.data.sayMin, stroke: "transparent", width: 0, points: { show: false }, value: show },
          { label: this.data.sayMean, stroke: accent, width: 1.75, points: { size: 4 }, value: show },
          { label: this.data.sayMax, stroke: "transparent", width: 0, points: { show: false }, value: show },
        ],
        bands: [{ series: [3, 1], fill: faded(accent, 0.22) }],
        hooks: {
          drawAxes: [(u) => this.thresholds(u)],
          draw: [(u) => this.alerts(u)],
          setSelect: [(u) => {
            if (u.select.width < 8) return;
            const from = u.posToVal(u.select.left, "x") * 1000, to = u.posToVal(u.select.left + u.select.width, "x") * 1000;
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (to - from < 2000) return;
            this.span = [from, to];
            this.load();
          }],
        },
      };
    }

    // Room above and below, and the nearest thresholds in sight.
    reach(min, max) {
      if (min == null || max == null) return [0, 1];
      const span = Math.max(max - min, 1);
      for (const band of this.bands) {
        if (band.value <= max + span && band.value >= min - span) { min = Math.min(min, band.value); max = Math.max(max, band.value); }
      }
      const room = Math.max((max - min) * 0.08, 1);
      return [min - room, max + room];
    }

    thresholds(u) {
      const { ctx } = u, { left, top, width, height } = u.bbox;
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, top, width, height);
      ctx.clip();
      for (const band of this.bands) {
        const y = u.valToPos(band.value, "y", true);
        const colour = resolved(this.figure, band.level === "red" ? "--red" : "--yellow");
        ctx.fillStyle = faded(colour, 0.07);
        if (band.above) ctx.fillRect(left, top, width, Math.max(0, y - top));
        else ctx.fillRect(left, y, width, Math.max(0, top + height - y));
        ctx.strokeStyle = colour;
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash(band.level === "red" ? [] : [6 * devicePixelRatio, 4 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(left, y);
        ctx.lineTo(left + width, y);
        ctx.stroke();
      }
      ctx.restore();
    }

    // An octagon for red, a triangle for yellow, on the upper edge.
    alerts(u) {
      const { ctx } = u, r = 8 * devicePixelRatio;
      for (const mark of this.marks) {
        const x = u.valToPos(mark.at / 1000, "x", true);
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
        const y = u.bbox.top + r + 2, red = mark.level === "red";
        ctx.save();
        ctx.fillStyle = ctx.strokeStyle = resolved(this.figure, red ? "--red" : "--yellow");
        ctx.lineWidth = devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(x, y + r);
        ctx.lineTo(x, u.bbox.top + u.bbox.height);
        ctx.globalAlpha = 0.5;
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.beginPath();
        const corners = red ? 8 : 3, turn = red ? Math.PI / 8 : -Math.PI / 2;
        for (let i = 0; i < corners; i++) {
          const angle = turn + (i * 2 * Math.PI) / corners;
          ctx.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
        }
        ctx.closePath();
        ctx.fill();
        ctx.restore();
      }
    }

    // The table says what the chart draws, thinned to a readable number of rows.
    rows(buckets) {
      const table = this.figure.querySelector("[data-table] tbody");
      if (!table) return;
      const digits = Number(this.data.digits);
      const number = new Intl.NumberFormat(this.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
      const whole = new Intl.NumberFormat(this.lang);
      const when = new Intl.DateTimeFormat(this.lang, { dateStyle: "short", timeStyle: "medium", hourCycle: "h23", timeZone: document.body.dataset.zone });
      table.replaceChildren(...merged(buckets, 48).map(([at, min, avg, max, n]) => {
        const row = document.createElement("tr"), head = document.createElement("th");
        head.scope = "row";
        head.textContent = when.format(new Date(typeof at === "number" ? at : Date.parse(at)));
        row.append(head, ...[number.format(min), number.format(avg), number.format(max), whole.format(n)].map((text) => {
          const cell = document.createElement("td");
          cell.className = "num";
          cell.textContent = text;
          return cell;
        }));
        return row;
      }));
    }

    end() {
      this.asking?.abort();
      clearTimeout(this.doubt);
      this.resizer.disconnect();
      this.plot?.destroy();
    }

    repaint() {
      if (!this.plot) return;
      const data = this.plot.data;
      this.plot.destroy();
      this.plot = new uPlot(this.options(), data, this.place);
    }
  }

  // Neighbouring buckets as one: least of the least, greatest of the greatest, the mean by weight.
  function merged(buckets, most) {
    const step = Math.ceil(buckets.length / most);
    if (step <= 1) return buckets;
    const out = [];
    for (let i = 0; i < buckets.length; i += step) {
      const group = buckets.slice(i, i + step), n = group.reduce((sum, one) => sum + one[4], 0);
      out.push([group[0][0], Math.min(...group.map((one) => one[1])), group.reduce((sum, one) => sum + one[2] * one[4], 0) / n, Math.max(...group.map((one) => one[3])), n]);
    }
    return out;
  }

  // The canvas does not read custom properties or light-dark(): the browser resolves them on an element.
  function resolved(element, name) {
    const probe = document.createElement("i");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    element.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }

  const faded = (colour, share) => colour.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => `rgba(${parts.split(",").slice(0, 3).join(",")}, ${share})`);

  function gather() {
    for (const [figure, chart] of charts) if (!figure.isConnected) { chart.end(); charts.delete(figure); }
    for (const figure of document.querySelectorAll("figure[data-chart]")) if (!charts.has(figure)) charts.set(figure, new Chart(figure));
  }

  document.addEventListener("htmx:after:swap", (event) => {
    gather();
    const swapped = event.detail?.ctx?.sourceElement?.id;
    for (const chart of charts.values()) if (swapped && chart.part?.id === swapped) chart.load();
  });
  document.addEventListener("zelo:consent", (event) => {
    const { patient, sure } = event.detail;
    for (const chart of charts.values()) if (!patient || chart.data.patient === patient) chart.question(sure);
  });
  document.addEventListener("readings.changed", (event) => {
    let patient;
    try { patient = JSON.parse(event.detail?.data ?? "{}").patient_id; } catch { return; }
    // New readings move the end of a whole span; a zoomed span is left alone.
    for (const chart of charts.values()) {
      if (chart.data.patient !== patient || chart.span !== chart.whole || chart.waits) continue;
      chart.waits = setTimeout(() => {
        chart.waits = null;
        const length = chart.whole[1] - chart.whole[0];
        chart.whole = chart.span = [Date.now() - length, Date.now()];
        chart.load();
      }, 2_000);
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const chart of charts.values()) chart.repaint(); });

  gather();
})();

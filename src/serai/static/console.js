// The console works without this file. It adds: keys to get about, closing of disclosures, protection against a double
// press and against leaving a form half filled in, copying of secrets, and a chart with values under the pointer.
(() => {
  "use strict";

  const typing = (element) => element instanceof Element && element.closest("input, textarea, select, [contenteditable]");

  // ---- Keys: "/" searches, "j" and "k" walk through the rows, "g" then a letter goes to a page, Escape closes.
  const goTo = { t: "/console", o: "/console/orders", p: "/console/products", s: "/console/stock" };
  let goPressedAt = 0;

  const walk = (step) => {
    const links = [...document.querySelectorAll("main .row-link")];
    if (!links.length) return;
    const here = links.indexOf(document.activeElement);
    const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + step, 0), links.length - 1);
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      document.querySelectorAll("details.ask[open], details.me[open], details.foot-more[open]").forEach((open) => {
        open.open = false;
        open.querySelector("summary").focus();
      });
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (performance.now() - goPressedAt < 1200 && goTo[event.key]) {
      location.assign(goTo[event.key]);
      return;
    }
    goPressedAt = event.key === "g" ? performance.now() : 0;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search")?.focus();
    } else if (event.key === "j" || event.key === "k") {
      walk(event.key === "j" ? 1 : -1);
    }
  });

  document.addEventListener("pointerdown", (event) => {
    document.querySelectorAll("details.ask[open], details.me[open], details.foot-more[open]").forEach((open) => {
      if (!open.contains(event.target) && !open.querySelector("[aria-invalid]")) open.open = false;
    });
  });

  // The first field of a disclosure is what one came for.
  document.addEventListener("toggle", (event) => {
    const open = event.target;
    if (!open.matches?.("details.ask") || !open.open) return;
    open.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }, true);

  // ---- A form is sent once: the server knows the key of a form as well, this only spares the second request.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    event.target.dataset.sent = "yes";
    setTimeout(() => event.target.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });

  // A page taken back out of the browser's cache may send its forms again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("[data-once][data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    });
  });

  // ---- Whoever leaves a form half filled in is asked first (data-guard).
  const isDirty = (form) =>
    [...form.elements].some((field) => {
      if (!field.name || field.type === "hidden" || field.disabled) return false;
      if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
      if (field.tagName === "SELECT") {
        const chosen = [...field.options].some((option) => option.defaultSelected);
        return [...field.options].some((option, at) => option.selected !== (chosen ? option.defaultSelected : at === 0));
      }
      return field.type !== "file" && "defaultValue" in field && field.value !== field.defaultValue;
    });
  let isSending = false;
  document.addEventListener("submit", (event) => {
    isSending = isSending || !event.defaultPrevented;
  });
  addEventListener("beforeunload", (event) => {
    if (isSending || ![...document.querySelectorAll("form[data-guard]")].some(isDirty)) return;
    event.preventDefault();
  });

  // ---- Secrets are copied by a button where the browser can.
  if (navigator.clipboard) {
    document.querySelectorAll("[data-copy]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.parentElement.querySelector("input").value);
        button.textContent = "✓";
      });
    });
  }

  // ---- The chart of the day. Its points stand in the page, so it needs no request of its own.
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const CHART_HEIGHT = 170;

  const drawHours = (box) => {
    const points = JSON.parse(box.dataset.points);
    const digits = 10 ** Number(box.dataset.digits);
    const money = new Intl.NumberFormat(box.dataset.locale, { style: "currency", currency: box.dataset.currency });
    const short = new Intl.NumberFormat(box.dataset.locale, {
      style: "currency", currency: box.dataset.currency, notation: "compact", maximumFractionDigits: 1,
    });
    const hour = (value) => `${String(value).padStart(2, "0")}:00`;
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false },
      font: `12px ${colour("--font-text")}` };
    box.replaceChildren();
    const chart = new uPlot({
      width: box.clientWidth,
      height: CHART_HEIGHT,
      scales: { x: { time: false, range: [-0.6, 23.6] }, y: { range: (self, low, high) => [0, high * 1.1 || 1] } },
      axes: [
        { ...axis, size: 30, grid: { show: false }, values: (self, ticks) => ticks.map((tick) => (tick % 1 ? "" : hour(tick))) },
        { ...axis, size: 64, values: (self, ticks) => ticks.map((tick) => short.format(tick)) },
      ],
      series: [
        { label: box.dataset.hour, value: (self, value) => (value == null ? "–" : hour(value)) },
        { label: box.dataset.money, fill: colour("--chart-1"), stroke: colour("--chart-1"), width: 0,
          paths: uPlot.paths.bars({ size: [0.62, 48], radius: 0.15 }), points: { show: false },
          value: (self, value) => (value == null ? "–" : money.format(value)) },
        { label: box.dataset.orders, show: true, width: 0, points: { show: false }, scale: "count",
          value: (self, value) => (value == null ? "–" : String(value)) },
      ],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    }, [points.map((p) => p[0]), points.map((p) => p[2] / digits), points.map((p) => p[1])], box);
    box.chart = chart;
    // Without a pointer the legend tells the running hour.
    const tell = () => chart.setLegend({ idx: Number(box.dataset.now) });
    setTimeout(tell);
    chart.over.addEventListener("mouseleave", () => setTimeout(tell));
  };

  // ---- Lines of the service board: the server draws them, this lets one read their values under the pointer.
  const LINES_HEIGHT = 136;

  const drawPlot = (box) => {
    const points = JSON.parse(box.dataset.points);
    const labels = JSON.parse(box.dataset.labels);
    const keys = box.parentElement.querySelectorAll(".lines-key dd");
    const last = [...keys].map((key) => key.textContent);
    const clock = new Intl.DateTimeFormat(box.dataset.locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23",
      timeZone: box.dataset.zone });
    const figure = new Intl.NumberFormat(box.dataset.locale, { maximumSignificantDigits: 3 });
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false },
      font: `11px ${colour("--font-text")}` };
    box.replaceChildren();
    const chart = new uPlot({
      width: box.clientWidth,
      height: LINES_HEIGHT,
      legend: { show: false },
      scales: { x: { time: true }, y: { range: (self, low, high) => [0, high * 1.1 || 1] } },
      axes: [
        { ...axis, size: 22, space: 60, incrs: [60, 120, 300], grid: { show: false },
          values: (self, ticks) => ticks.map((tick) => clock.format(new Date(tick * 1000))) },
        { ...axis, size: 40, space: 34, values: (self, ticks) => ticks.map((tick) => figure.format(tick)) },
      ],
      series: [{}, ...labels.map((label, at) => ({ label, width: 1.5, stroke: colour(`--chart-${at + 1}`), points: { show: false } }))],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      hooks: { setCursor: [(self) => {
        const at = self.cursor.idx;
        keys.forEach((key, line) => {
          const value = at == null ? null : points.lines[line][at];
          key.textContent = at == null ? last[line] : value == null ? "–" : figure.format(value);
        });
      }] },
    }, [points.at, ...points.lines], box);
    box.chart = chart;
  };

  // Figures under the pointer, or being selected, stay until the reader has done with them.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "service") return;
    if (document.hidden || event.target.querySelector(".chart:hover") || String(getSelection())) event.preventDefault();
  });

  // A board that nobody looks at is not refreshed.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "board" && document.hidden) event.preventDefault();
  });

  const drawCharts = (root) => {
    if (typeof uPlot === "undefined") return;
    root.querySelectorAll?.("[data-chart=hours]").forEach((box) => {
      if (!box.chart) drawHours(box);
    });
    root.querySelectorAll?.("[data-chart=lines]").forEach((box) => {
      if (!box.chart) drawPlot(box);
    });
  };

  addEventListener("DOMContentLoaded", () => drawCharts(document));
  document.addEventListener("htmx:afterSwap", (event) => drawCharts(event.target));
  addEventListener("resize", () => {
    document.querySelectorAll("[data-chart=hours]").forEach((box) => {
      box.chart?.setSize({ width: box.clientWidth, height: CHART_HEIGHT });
    });
    document.querySelectorAll("[data-chart=lines]").forEach((box) => {
      box.chart?.setSize({ width: box.clientWidth, height: LINES_HEIGHT });
    });
  });
})();

"use strict";
(() => {
  const shades = (t) => `hsl(${Math.round(210 - 30 * t)} ${Math.round(35 + 40 * t)}% ${Math.round(90 - 55 * t)}%)`;
  const show = (v) => v === null || v === undefined ? "–" : typeof v === "number" ? Number(v.toPrecision(5)).toString() : String(v);
  document.querySelectorAll("figure.map").forEach((figure) => {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const panel = figure.querySelector(".panel");
    const groups = [...figure.querySelectorAll(".cell")];
    const of = (g) => data.cells[`${g.dataset.column},${g.dataset.row}`];
    const original = groups.map((g) => [g.querySelector("rect").getAttribute("fill"), g.querySelector("text").textContent,
      g.querySelector("text").getAttribute("fill")]);
    let pinned = null;
    const tell = (g) => {
      const cell = of(g), e = cell.evidence;
      const rows = [["case", Object.entries(cell.case).map(([k, v]) => `${k} = ${show(v)}`).join(", ")],
        ["verdict", cell.verdict + (cell.inside ? "" : ", outside the premise: nothing is promised")], ["reason", e.reason],
        ["estimate", `${show(e.estimate)} against ${show(e.target)}` + (e.interval ? `, interval [${e.interval.map(show).join(", ")}]` : "")],
        ["replicates", `${e.replicates}` + (e.discarded ? `, ${e.discarded} observations discarded` : "") + ` (${cell.sampler} sampler, ${cell.seconds} s)`],
        ["error budget", `${show(e.error)}, margin ${show(e.margin)}, detectable departure ${show(e.detectable)}`]];
      const list = document.createElement("dl");
      for (const [name, text] of rows) {
        const dt = document.createElement("dt"), dd = document.createElement("dd");
        dt.textContent = name; dd.textContent = text; list.append(dt, dd);
      }
      panel.replaceChildren(list);
    };
    groups.forEach((g, i) => {
      g.setAttribute("tabindex", i === 0 ? "0" : "-1");
      g.setAttribute("role", "button");
      g.addEventListener("mouseenter", () => { if (!pinned) tell(g); });
      g.addEventListener("focus", () => tell(g));
      g.addEventListener("click", () => {
        groups.forEach((o) => o.classList.remove("pinned"));
        pinned = pinned === g ? null : g;
        if (pinned) g.classList.add("pinned");
        tell(g);
      });
      g.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); g.dispatchEvent(new Event("click")); return; }
        if (!step) return;
        event.preventDefault();
        const next = groups.find((o) => +o.dataset.column === +g.dataset.column + step[0] && +o.dataset.row === +g.dataset.row + step[1]);
        if (next) { g.setAttribute("tabindex", "-1"); next.setAttribute("tabindex", "0"); next.focus(); }
      });
    });
    figure.querySelectorAll(".toggles input").forEach((input) => input.addEventListener("change", () => {
      const layer = input.value;
      const values = groups.map((g) => layer === "replicates" ? Math.log(of(g).evidence.replicates || 1) : of(g).evidence.estimate);
      const known = values.filter((v) => v !== null && isFinite(v)), low = Math.min(...known), high = Math.max(...known);
      groups.forEach((g, i) => {
        const rect = g.querySelector("rect"), text = g.querySelector("text");
        if (layer === "verdict") {
          rect.setAttribute("fill", original[i][0]); text.textContent = original[i][1];
          text.setAttribute("fill", original[i][2]); text.setAttribute("font-size", "17"); return;
        }
        const t = values[i] === null ? 0 : high > low ? (values[i] - low) / (high - low) : 0.5;
        rect.setAttribute("fill", shades(t)); text.setAttribute("font-size", "10"); text.setAttribute("fill", t > 0.5 ? "#fff" : "#111");
        const raw = layer === "replicates" ? of(g).evidence.replicates : of(g).evidence.estimate;
        text.textContent = raw === null ? "–" : Math.abs(raw) >= 1e4 ? raw.toExponential(0) : Number(raw.toPrecision(3)).toString();
      });
    }));
  });
})();

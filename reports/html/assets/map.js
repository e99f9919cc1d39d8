"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const TITLES = { estimate: "estimate", replicates: "replicates drawn", slack: "what the theorem asks for, over the cell's own" };
  // A ramp that colour-blind readers can follow and that prints in order of lightness (anchors of cividis).
  const RAMP = [[0, 34, 78], [60, 77, 110], [124, 123, 120], [188, 175, 111], [254, 232, 56]];
  const colour = (t) => {
    const k = Math.min(3, Math.floor(4 * t)), f = 4 * t - k;
    return RAMP[k].map((low, i) => Math.round(low + f * (RAMP[k + 1][i] - low)));
  };
  const short = (v) => {
    const size = Math.abs(v);
    if (size >= 1e9) return v.toExponential(0).replace("e+", "e");
    for (const [unit, name] of [[1e6, "M"], [1e3, "k"]]) if (size >= 0.9995 * unit) return `${Number((v / unit).toPrecision(2))}${name}`;
    return size !== 0 && size < 0.001 ? v.toExponential(0) : `${Number(v.toPrecision(size >= 100 ? 3 : 2))}`;
  };

  const start = (figure, first) => {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const panel = figure.querySelector(".panel"), list = panel.querySelector("dl"), tip = figure.querySelector(".tip");
    const canvas = figure.querySelector(".canvas"), scale = figure.querySelector(".scale"), check = document.getElementById("check");
    const drawing = canvas.querySelector("svg"), [left, floor, wide, high] = data.box;
    // A text is kept as parts: a string for all cells, a list of strings, or different strings and a digit for each cell.
    const word = (part, i) => (typeof part === "string" ? part : Array.isArray(part) ? part[i]
      : part.at[i] === "-" ? null : part.of[parseInt(part.at[i], 36)]);
    const text = (parts, i) => { const words = parts.map((part) => word(part, i)); return words.includes(null) ? null : words.join(""); };
    const make = (name, attributes, parent) => {
      const element = document.createElementNS(SVG, name);
      Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
      parent.append(element);
      return element;
    };
    // The cells that can be reached lie over the painted ones and under the lines; their numbers lie above all.
    const layer = make("g", {}, drawing), numbers = make("g", { class: "numbers" }, drawing);
    drawing.querySelector(".cells").after(layer);
    const cells = Array.from({ length: data.at.length / 2 }, (_, i) => {
      const c = data.at[2 * i], r = data.at[2 * i + 1];
      const g = make("g", { class: `cell ${text(data.kind, i)}`, "data-c": c, "data-r": r, "data-i": i }, layer);
      make("rect", { x: left + wide * c + 0.5, y: floor - high * (r + 1) + 0.5, width: wide - 1, height: high - 1 }, g);
      return g;
    });
    const lines = new Map(data.lines);
    const line = (g, label) => (lines.has(label) ? text(lines.get(label), g.dataset.i) : null);
    const at = new Map(cells.map((g) => [`${g.dataset.c},${g.dataset.r}`, g]));
    let pinned = null;

    const hint = (g) => {
      const name = document.createElement("b"), said = [line(g, "Estimate"), line(g, "Interval")].filter(Boolean).join(" ");
      name.textContent = text(data.name, g.dataset.i);
      tip.replaceChildren(name, said, document.createElement("br"), `Replicates: ${line(g, "Replicates")}`);
      tip.hidden = false;
      regimes.place(tip, g, canvas);
    };
    const pin = (g) => {
      if (pinned) { pinned.classList.remove("pinned"); pinned.setAttribute("aria-pressed", "false"); }
      pinned = g;
      g.classList.add("pinned");
      g.setAttribute("aria-pressed", "true");
      list.replaceChildren(...[...lines.keys()].flatMap((label) => {
        const said = line(g, label), dt = document.createElement("dt"), dd = document.createElement("dd");
        if (said === null) return [];
        dt.textContent = label; dd.textContent = said;
        return [dt, dd];
      }));
      if (check && first) check.textContent = text(data.check, g.dataset.i);
    };
    const reach = (g) => { cells.forEach((o) => o.setAttribute("tabindex", o === g ? "0" : "-1")); };
    const step = (g, [right, up]) => {
      let c = +g.dataset.c + right, r = +g.dataset.r + up;
      for (; c >= 0 && r >= 0 && c < data.columns.length && r < data.rows.length; c += right, r += up) {
        const next = at.get(`${c},${r}`);
        if (next) { next.focus(); return; }
      }
    };

    cells.forEach((g) => {
      g.setAttribute("role", "button");
      g.setAttribute("aria-label", text(data.name, g.dataset.i));
      g.setAttribute("aria-pressed", "false");
      g.addEventListener("pointerenter", () => hint(g));
      g.addEventListener("pointerleave", () => { tip.hidden = true; });
      g.addEventListener("focus", () => { reach(g); hint(g); });
      g.addEventListener("blur", () => { tip.hidden = true; });
      g.addEventListener("click", () => { reach(g); pin(g); });
      g.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { tip.hidden = true; return; }
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pin(g); return; }
        const end = event.key === "Home" ? [-1, 0] : event.key === "End" ? [1, 0] : null;
        if (end) {
          const row = cells.filter((o) => o.dataset.r === g.dataset.r).sort((a, b) => a.dataset.c - b.dataset.c);
          event.preventDefault(); row.at(end[0] < 0 ? 0 : -1).focus();
        } else if (MOVES[event.key]) { event.preventDefault(); step(g, MOVES[event.key]); }
      });
    });

    const show = (name) => {
      const plain = name === "verdict", values = plain ? [] : data.layers[name];
      const known = values.filter((v) => typeof v === "number");
      const low = Math.min(...known), high = Math.max(...known);
      const log = !plain && low > 0 && (name !== "estimate" || high / low > 100);
      const share = (v) => (high === low ? 0.5 : log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
      figure.classList.toggle("values", !plain);
      numbers.replaceChildren();
      cells.forEach((g, i) => {
        const rect = g.querySelector("rect"), v = values[i], box = rect.getBBox();
        rect.style.fill = "";
        if (plain) return;
        const number = make("text", { x: box.x + box.width / 2, y: box.y + box.height / 2 + 3.5 }, numbers);
        if (typeof v === "number") {
          const rgb = colour(share(v)), light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
          rect.style.fill = `rgb(${rgb.join(" ")})`;
          number.textContent = short(v); number.style.fill = light > 125 ? "#111" : "#fff"; number.style.stroke = rect.style.fill;
        } else {
          rect.style.fill = "none"; number.textContent = "–"; number.style.fill = "currentColor";
        }
        number.setAttribute("font-size", Math.min(10.5, (1.55 * box.width) / Math.max(number.textContent.length, 3)));
      });
      scale.textContent = plain ? "" : `${TITLES[name]}: ${short(low)} (dark) to ${short(high)} (bright)${log ? ", logarithmic" : ""}`;
    };
    // The same verdicts as a table, made when it is first opened.
    const details = figure.querySelector(".asTable"), under = details.querySelector("div");
    const element = (name, said, attributes, parent) => {
      const made = document.createElement(name);
      made.textContent = said;
      Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
      parent.append(made);
      return made;
    };
    details.hidden = false;
    details.addEventListener("toggle", () => {
      const table = element("table", "", {}, under);
      element("caption", data.caption, { class: "unseen" }, table);
      const top = element("tr", "", {}, element("thead", "", {}, table)), body = element("tbody", "", {}, table);
      element("th", data.corner, { scope: "col" }, top);
      data.columns.forEach((x) => element("th", x, { scope: "col", class: "n" }, top));
      data.rows.map((y, r) => [y, r]).reverse().forEach(([y, r]) => {
        const row = element("tr", "", {}, body);
        element("th", y, { scope: "row" }, row);
        data.columns.forEach((_, c) => {
          const g = at.get(`${c},${r}`), [verdict, side] = g ? text(data.kind, g.dataset.i).split(" ") : ["–", "out"];
          element("td", verdict + (side === "in" ? "*" : ""), { class: `n ${g ? verdict : ""}` }, row);
        });
      });
    }, { once: true });
    figure.querySelectorAll(".toolbar input").forEach((input) => input.addEventListener("change", () => show(input.value)));
    figure.querySelector(".toolbar").hidden = false;
    figure.querySelector(".hint").hidden = false;
    const opening = at.get(`${panel.dataset.c},${panel.dataset.r}`);
    reach(opening); pin(opening);
  };
  document.querySelectorAll("figure.map").forEach((figure, index) => start(figure, index === 0));
})();

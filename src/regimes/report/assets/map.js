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
    const cells = [...figure.querySelectorAll(".cell")], marks = [...figure.querySelectorAll(".mark")];
    const at = new Map(cells.map((g) => [`${g.dataset.c},${g.dataset.r}`, g]));
    const of = (g) => data.cells[`${g.dataset.c},${g.dataset.r}`];
    let pinned = null;

    const hint = (g) => {
      const cell = of(g), name = document.createElement("b");
      name.textContent = cell.name;
      tip.replaceChildren(name, ...cell.tip.flatMap((line) => [document.createTextNode(line), document.createElement("br")]));
      tip.hidden = false;
      const box = g.getBoundingClientRect(), frame = canvas.getBoundingClientRect();
      const left = box.left - frame.left + canvas.scrollLeft + box.width / 2 - tip.offsetWidth / 2;
      const above = box.top - frame.top - tip.offsetHeight - 6;
      tip.style.left = `${Math.max(0, Math.min(left, canvas.scrollLeft + canvas.clientWidth - tip.offsetWidth))}px`;
      tip.style.top = `${above >= 0 ? above : box.bottom - frame.top + 6}px`;
    };
    const pin = (g) => {
      if (pinned) { pinned.classList.remove("pinned"); pinned.setAttribute("aria-pressed", "false"); }
      pinned = g;
      g.classList.add("pinned");
      g.setAttribute("aria-pressed", "true");
      list.replaceChildren(...of(g).rows.flatMap(([label, text]) => {
        const dt = document.createElement("dt"), dd = document.createElement("dd");
        dt.textContent = label; dd.textContent = text;
        return [dt, dd];
      }));
      if (check && first) check.textContent = of(g).check;
    };
    const reach = (g) => { cells.forEach((o) => o.setAttribute("tabindex", o === g ? "0" : "-1")); };
    const step = (g, [right, up]) => {
      let c = +g.dataset.c + right, r = +g.dataset.r + up;
      for (; c >= 0 && r >= 0 && c < data.columns && r < data.rows; c += right, r += up) {
        const next = at.get(`${c},${r}`);
        if (next) { next.focus(); return; }
      }
    };

    cells.forEach((g) => {
      g.querySelector("title").remove();
      g.setAttribute("role", "button");
      g.setAttribute("aria-label", of(g).name);
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

    const show = (layer) => {
      const plain = layer === "verdict";
      const known = cells.map((g) => of(g)[layer]).filter((v) => typeof v === "number" && isFinite(v));
      const low = Math.min(...known), high = Math.max(...known);
      const log = !plain && low > 0 && (layer !== "estimate" || high / low > 100);
      const share = (v) => (high === low ? 0.5 : log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
      cells.forEach((g, i) => {
        const rect = g.querySelector("rect"), sign = marks[i].querySelector(".sign");
        marks[i].querySelector("text")?.remove();
        rect.style.fill = ""; sign.style.display = "";
        if (plain) return;
        const v = of(g)[layer], number = document.createElementNS(SVG, "text"), box = rect.getBBox();
        sign.style.display = "none";
        number.setAttribute("x", box.x + box.width / 2); number.setAttribute("y", box.y + box.height / 2 + 3.5);
        if (typeof v === "number" && isFinite(v)) {
          const rgb = colour(share(v)), light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
          rect.style.fill = `rgb(${rgb.join(" ")})`;
          number.textContent = short(v); number.style.fill = light > 125 ? "#111" : "#fff"; number.style.stroke = rect.style.fill;
        } else {
          rect.style.fill = "none"; number.textContent = "–"; number.style.fill = "currentColor";
        }
        number.setAttribute("font-size", Math.min(10.5, (1.55 * box.width) / Math.max(number.textContent.length, 3)));
        marks[i].append(number);
      });
      scale.textContent = plain ? "" : `${TITLES[layer]}: ${short(low)} (dark) to ${short(high)} (bright)${log ? ", logarithmic" : ""}`;
    };
    figure.querySelectorAll(".toolbar input").forEach((input) => input.addEventListener("change", () => show(input.value)));
    figure.querySelector(".toolbar").hidden = false;
    figure.querySelector(".hint").hidden = false;
    const opening = at.get(`${panel.dataset.c},${panel.dataset.r}`);
    reach(opening); pin(opening);
  };
  document.querySelectorAll("figure.map").forEach((figure, index) => start(figure, index === 0));

  document.querySelectorAll(".copy").forEach((button) => {
    const source = button.parentElement.querySelector("pre");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(source.textContent); } catch {
        getSelection().selectAllChildren(source); document.execCommand("copy");
      }
      button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  });
})();

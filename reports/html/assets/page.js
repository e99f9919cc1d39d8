"use strict";
const regimes = {
  // Puts a tip above what it belongs to, or below where there is no room, inside the canvas.
  place(tip, element, canvas) {
    const box = element.getBoundingClientRect(), frame = canvas.getBoundingClientRect();
    const left = box.left - frame.left + canvas.scrollLeft + box.width / 2 - tip.offsetWidth / 2;
    const above = box.top - frame.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(0, Math.min(left, canvas.scrollLeft + canvas.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${above >= 0 ? above : box.bottom - frame.top + 6}px`;
  },
};
(() => {
  // The points of a chart say their numbers to the pointer and to the keyboard; arrow keys go from one to the next.
  document.querySelectorAll("figure.extra").forEach((figure) => {
    const canvas = figure.querySelector(".canvas"), tip = figure.querySelector(".tip");
    const points = [...figure.querySelectorAll("title")].map((title) => title.parentElement);
    const reach = (point) => points.forEach((one) => one.setAttribute("tabindex", one === point ? "0" : "-1"));
    points.forEach((point, i) => {
      const title = point.querySelector("title"), said = title.textContent;
      title.remove();
      const hint = () => { tip.textContent = said; tip.hidden = false; regimes.place(tip, point, canvas); };
      const hide = () => { tip.hidden = true; };
      point.classList.add("point");
      point.setAttribute("role", "img");
      point.setAttribute("aria-label", said);
      point.addEventListener("pointerenter", hint);
      point.addEventListener("pointerleave", hide);
      point.addEventListener("focus", () => { reach(point); hint(); });
      point.addEventListener("blur", hide);
      point.addEventListener("keydown", (event) => {
        const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: points.length - 1 }[event.key];
        if (event.key === "Escape") hide();
        if (points[to]) { event.preventDefault(); points[to].focus(); }
      });
    });
    if (points.length) reach(points[0]);
  });

  // Tables that can be put in order by a column: numbers by size, words by alphabet.
  document.querySelectorAll("table.sortable").forEach((table) => {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const value = (row, k) => row.cells[k].dataset.value ?? row.cells[k].textContent.trim();
    heads.forEach((head, k) => {
      const button = document.createElement("button");
      button.type = "button"; button.className = "sort"; button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
        const number = (text) => (text === "" ? NaN : +text);
        const compare = (a, b) => {
          const u = value(a, k), v = value(b, k), x = number(u), y = number(v);
          if (u === "" || v === "") return (u === "") - (v === "");
          return down * (Number.isNaN(x) || Number.isNaN(y) ? u.localeCompare(v, "en") : x - y);
        };
        body.append(...[...body.rows].sort(compare));
      });
    });
  });

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

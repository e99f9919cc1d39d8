"use strict";
(() => {
  const form = document.querySelector(".filters"), find = document.getElementById("find"), count = document.getElementById("count");
  const rows = [...document.querySelectorAll("#claims tr.claim")];
  const order = document.getElementById("order"), table = document.getElementById("claims");
  const groups = [...table.querySelectorAll("tbody")], homes = new Map(rows.map((row) => [row, row.parentElement]));
  // Rows in another order than the papers' stand in a body of their own.
  const ordered = document.createElement("tbody");
  table.insertBefore(ordered, table.tFoot);
  groups.push(ordered);
  const title = (row) => row.querySelector("a").textContent;
  const arrange = () => {
    const by = order.value;
    if (!by) { rows.forEach((row) => homes.get(row).append(row)); return; }
    const least = (row) => (row.dataset[by] === "" ? -1 : +row.dataset[by]);
    const compare = by === "title" ? (a, b) => title(a).localeCompare(title(b), "en") : (a, b) => least(b) - least(a);
    ordered.append(...[...rows].sort(compare));
  };
  const texts = rows.map((row) => `${row.textContent} ${row.parentElement.querySelector(".paper").textContent}`.toLowerCase());
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.elements.verdict.value;
    let shown = 0;
    rows.forEach((row, i) => {
      const wanted = !verdict || (verdict === "erratum" ? "erratum" in row.dataset : row.dataset.verdict === verdict);
      row.hidden = !(wanted && words.every((word) => texts[i].includes(word)));
      shown += !row.hidden;
    });
    groups.forEach((group) => { group.hidden = !group.querySelector("tr.claim:not([hidden])"); });
    document.getElementById("nothing").hidden = shown > 0;
    count.textContent = `${shown === rows.length ? "" : `${shown} of `}${rows.length} claim${rows.length === 1 ? "" : "s"}`;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => { if (event.target === order) arrange(); apply(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) { event.preventDefault(); find.focus(); }
    if (event.key === "Escape" && document.activeElement === find) { find.value = ""; apply(); }
  });
  apply();
})();

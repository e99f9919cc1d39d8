"use strict";
(() => {
  const text = document.getElementById("find"), verdict = document.getElementById("verdict"), count = document.getElementById("count");
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row) => {
      const hit = words.every((word) => row.textContent.toLowerCase().includes(word)) && (!verdict.value || row.dataset.verdict === verdict.value);
      row.hidden = !hit; shown += hit;
    });
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  text.addEventListener("input", apply); verdict.addEventListener("change", apply); apply();
})();

// The pages work without this: it ticks all breaks of a page at once, counts what is ticked, and tells of a file that is
// too large before it is sent.
"use strict";
const all = document.getElementById("tick-all");
const boxes = [...document.querySelectorAll("input[name=break]:not(:disabled)")];
if (all && boxes.length) {
  const told = document.getElementById("ticked");
  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    told.textContent = ticked ? `(${ticked})` : "";
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  for (const box of boxes) box.addEventListener("change", tell);
  tell();
}
for (const file of document.querySelectorAll("input[data-bytes-max]")) {
  file.addEventListener("change", () => {
    const large = file.files.length && file.files[0].size > Number(file.dataset.bytesMax);
    file.setCustomValidity(large ? file.dataset.tooLarge : "");
    file.reportValidity();
  });
}

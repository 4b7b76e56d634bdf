// A button at each display equation that copies its TeX, which stands in the page beside the picture. Nothing is loaded.
function latexButtons() {
  for (const box of document.querySelectorAll(".math")) {
    const tex = box.querySelector('annotation[encoding="application/x-tex"]');
    if (!tex || box.querySelector("button")) continue;
    const button = document.createElement("button");
    button.className = "gb-copy";
    button.type = "button";
    button.title = "copy as LaTeX";
    button.setAttribute("aria-label", "copy as LaTeX");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(tex.textContent);
      button.classList.add("gb-copied");
      setTimeout(() => button.classList.remove("gb-copied"), 1500);
    });
    box.append(button);
  }
}

// a link to what is in a fold opens it
function opened() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  if (target && target.closest("details")) target.scrollIntoView();
}

latexButtons();
opened();
addEventListener("hashchange", opened);

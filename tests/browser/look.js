// What is wrong with the page as it is shown now: a list of sentences.
() => {
  const wrong = [];
  const said = (e) => (e.querySelector('annotation')?.textContent ?? e.textContent).trim().slice(0, 90);
  if (document.documentElement.scrollWidth > window.innerWidth)
    wrong.push(`the page is ${document.documentElement.scrollWidth} wide and scrolls sideways`);
  const folded = (e) => e.closest('details:not([open])') && !e.closest('summary');
  for (const m of document.querySelectorAll('article math')) {
    if (folded(m) || !m.checkVisibility()) continue;
    const box = m.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) { wrong.push(`no size: ${said(m)}`); continue; }
    // the nearest box that clips; one that scrolls shows all of it
    let left = 0, right = window.innerWidth;
    for (let e = m.parentElement; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (['auto', 'scroll'].includes(style.overflowX)) { left = -Infinity; right = Infinity; break; }
      if (['hidden', 'clip'].includes(style.overflowX)) {
        const clip = e.getBoundingClientRect();
        left = Math.max(left, clip.left); right = Math.min(right, clip.right);
      }
    }
    if (box.left < left - 1 || box.right > right + 1)
      wrong.push(`cut by ${Math.round(Math.max(left - box.left, box.right - right))}: ${said(m)}`);
  }
  return wrong;
}

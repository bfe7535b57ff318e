(() => {
  const tip = document.createElement("div");
  tip.className = "hk-tip";
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const hide = () => { tip.style.display = "none"; };
  // Texts lie upon marks: the first thing below the pointer that has something to say.
  const said = (event) => {
    for (const mark of document.elementsFromPoint(event.clientX, event.clientY)) {
      if (!mark.matches("svg path, svg rect, svg circle, svg text")) continue;
      // The browser's own tip would come second.
      const title = mark.querySelector("title");
      if (title) { mark.dataset.tip = title.textContent; title.remove(); }
      if (mark.dataset.tip) return mark.dataset.tip;
    }
    return "";
  };
  const show = (event) => {
    const text = said(event);
    if (!text) { hide(); return; }
    tip.textContent = text;
    tip.style.display = "block";
    const x = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 16;
    const y = below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : below;
    tip.style.left = Math.max(8, x) + "px";
    tip.style.top = Math.max(8, y) + "px";
  };
  for (const event of ["pointermove", "pointerdown"]) document.addEventListener(event, show);
  for (const event of ["pointerleave", "scroll"]) document.addEventListener(event, hide, true);
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();

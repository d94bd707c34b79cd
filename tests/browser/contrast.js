// Returns what is hard to read on the page: each kind of text whose contrast (WCAG 2.2, success criterion 1.4.3) is below `least`.
(least) => {
  const parse = (color) => { const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number); return [red, green, blue, alpha]; };
  const blend = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ancestors = (element) => (element ? [element, ...ancestors(element.parentElement)] : []);
  const known = new Map([[null, [255, 255, 255]]]);
  const background = (element) => {
    if (!known.has(element)) known.set(element, blend(parse(getComputedStyle(element).backgroundColor), background(element.parentElement)));
    return known.get(element);
  };
  const contrast = (element, color, below) => {
    const [red, green, blue, alpha] = parse(color);
    const opacity = ancestors(element).reduce((product, each) => product * getComputedStyle(each).opacity, alpha);
    const [dark, light] = [luminance(blend([red, green, blue, opacity], below)), luminance(below)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const hasText = (element) =>
    element.matches("input, select, textarea") || [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("option, script");

  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (!visible(element)) continue;
    for (const part of ["", "::before", "::after"]) {
      const style = getComputedStyle(element, part || null);
      if (part ? !style.content.match(/\w/) || ["none", "normal"].includes(style.content) : !hasText(element)) continue;
      const below = background(element);
      const ratio = contrast(element, style.color, below);
      if (ratio < least) found.add(`${ratio.toFixed(1)}: ${element.tagName.toLowerCase()}.${element.className}${part}, ${style.color} on ${below.map(Math.round)}`);
    }
  }
  return [...found];
};

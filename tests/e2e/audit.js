/* Returns what is wrong with the accessibility of the present page: fields without a label, buttons and links without
   a name, skipped ranks of headings, ids that stand twice, text whose contrast is too low. */
() => {
  const faults = [];
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const name = (element) => (element.getAttribute("aria-label") || element.textContent || element.title || "").trim();

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (field.labels.length === 0 && !field.getAttribute("aria-label")) {
      faults.push(`no label: ${field.outerHTML.slice(0, 80)}`);
    }
  }
  for (const element of document.querySelectorAll("a[href], button, summary")) {
    if (!name(element)) {
      faults.push(`no name: ${element.outerHTML.slice(0, 80)}`);
    }
  }
  if (document.querySelectorAll("h1").length !== 1) {
    faults.push("not exactly one h1");
  }
  let rank = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > rank + 1) {
      faults.push(`a heading of rank ${next} follows one of rank ${rank}: ${name(heading)}`);
    }
    rank = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((each, place) => ids.indexOf(each) !== place))) {
    faults.push(`the id ${id} stands twice`);
  }

  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts[3] === undefined ? 1 : parts[3] };
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.alpha === 1) {
        return colour.rgb;
      }
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor).rgb;
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || !shown(element)) {
      continue;
    }
    seen.add(element);
    const ratio = contrast(parse(getComputedStyle(element).color).rgb, backgroundOf(element));
    if (ratio < 4.5) {
      faults.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
    }
  }
  return [...new Set(faults)];
}

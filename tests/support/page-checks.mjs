/**
 * What can be told of a page without looking at it.
 *
 * @param {import("playwright-core").Page} page
 * @param {{ minTargetPixels: number }} options
 */
export function inspectPage(page, options) {
  return page.evaluate(({ minTargetPixels }) => {
    const width = document.documentElement.clientWidth;
    /** @param {Element} element */
    const describe = (element) => element.outerHTML.slice(0, 100);
    const shown = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
    const controls = shown.filter((element) => element.matches("a[href], button, input:not([type=hidden]), select"));
    const ids = shown.map(({ id }) => id).filter((id) => id !== "");
    return {
      scrollWidth: document.documentElement.scrollWidth,
      // What scrolls in its own box may be wider; what sticks out of the page may not.
      widerThanPage: shown.filter((element) => element.getBoundingClientRect().right > width + 1).map(describe),
      lang: document.documentElement.lang,
      headings: document.querySelectorAll("h1").length,
      hasTitle: document.title.trim() !== "",
      unnamed: controls.filter((element) => nameOf(element) === "").map(describe),
      tooSmall: controls.filter((element) => isSmall(element)).map(describe),
      duplicateIds: ids.filter((id, index) => ids.indexOf(id) !== index),
    };

    /** @param {Element} element */
    function nameOf(element) {
      if (!element.matches("input, select"))
        return `${element.getAttribute("aria-label") ?? ""}${element.textContent}`.trim();
      const labels = [.../** @type {HTMLInputElement} */ (element.labels ?? [])];
      // A label's own text; that of a select in it is its options'.
      const texts = labels.flatMap(({ childNodes }) => [...childNodes].filter((node) => node instanceof Text));
      return [element.getAttribute("aria-label"), ...texts.map(({ data }) => data)].join("").trim();
    }

    /** @param {Element} element */
    function isSmall(element) {
      const { width: own, height } = element.getBoundingClientRect();
      return own < minTargetPixels || height < minTargetPixels;
    }
  }, options);
}

const MAX_TABS = 60;

/**
 * Presses Tab from the top of the page to its end.
 *
 * @param {import("playwright-core").Page} page
 * @returns `controls`: all that should be reached, in the document's order; `reached`: what was, in the order it came
 */
export async function tabThrough(page) {
  const controls = await page.evaluate(() => {
    const all = document.querySelectorAll(
      "a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']",
    );
    const shown = [...all].filter((element) => element.checkVisibility({ visibilityProperty: true }));
    for (const [index, element] of shown.entries()) element.setAttribute("data-tab", `${index} ${element.tagName}`);
    // Tab starts from where the focus was last: from the top of the page, then.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    return shown.map((element) => element.getAttribute("data-tab"));
  });
  const [reached, withoutRing, offScreen] = [[], [], []].map(() => /** @type {(string | null)[]} */ ([]));
  for (let i = 0; i < MAX_TABS; i++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom, left, right } = element.getBoundingClientRect();
      return {
        name: element.getAttribute("data-tab"),
        hasRing: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
        isOnScreen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
      };
    });
    if (focus === null || reached.includes(focus.name)) break;
    reached.push(focus.name);
    if (!focus.hasRing) withoutRing.push(focus.name);
    if (!focus.isOnScreen) offScreen.push(focus.name);
  }
  return { controls, reached, withoutRing, offScreen };
}

/**
 * The contrast of each piece of text with the nearest background that is not transparent (WCAG 2.2, 1.4.3).
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<{ text: string, ratio: number }[]>}
 */
export function inspectContrast(page) {
  return page.evaluate(() => {
    const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    if (!pen) throw new Error("no canvas");
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent?.trim();
      const element = node.parentElement;
      if (!text || !element?.checkVisibility() || element.closest("script, style, option")) continue;
      const [lighter = 0, darker = 0] = [
        luminance(getComputedStyle(element).color),
        luminance(backgroundOf(element)),
      ].sort((a, b) => b - a);
      found.push({ text: text.slice(0, 40), ratio: (lighter + 0.05) / (darker + 0.05) });
    }
    return found;

    /** @param {Element | null} element */
    function backgroundOf(element) {
      for (let at = element; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
      }
      return "white";
    }

    /** @param {string} color */
    function luminance(color) {
      const at = /** @type {OffscreenCanvasRenderingContext2D} */ (pen);
      at.fillStyle = color;
      at.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = [...at.getImageData(0, 0, 1, 1).data].map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
  });
}

// The command menu: narrows the pages to what is typed, and arrow keys walk its lines.
// The results themselves come from the server; Enter in the box opens the search page.

const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const pages = document.getElementById("palette-pages");

if (palette && input && pages) {
  const found = document.getElementById("palette-found");
  // What was found for other words than those typed now is passed over by Enter.
  let answers = "";
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === found) answers = event.detail.requestConfig.parameters.q;
  });

  const jumps = () =>
    [...palette.querySelectorAll("[data-jump]")].filter((each) => each.getClientRects().length > 0);

  const narrow = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const jump of pages.querySelectorAll("[data-jump]")) {
      const text = jump.textContent.toLowerCase();
      const there = !jump.dataset.press || document.getElementById(jump.dataset.press);
      jump.hidden = !there || !words.every((word) => text.includes(word));
    }
    for (const title of pages.querySelectorAll(".menu__title")) {
      let next = title.nextElementSibling;
      while (next && next.hidden && !next.matches(".menu__title")) next = next.nextElementSibling;
      title.hidden = !next || next.matches(".menu__title");
    }
    if (!input.value) document.getElementById("palette-found").replaceChildren();
  };

  input.addEventListener("input", narrow);
  input.addEventListener("focus", narrow);
  pages.addEventListener("click", (event) => {
    const press = event.target.closest("[data-press]")?.dataset.press;
    if (!press) return;
    palette.close();
    document.getElementById(press)?.click();
  });

  palette.addEventListener("keydown", (event) => {
    let lines = jumps();
    const at = lines.indexOf(document.activeElement);
    if (event.key === "ArrowDown") {
      event.preventDefault();
      lines[Math.min(at + 1, lines.length - 1)]?.focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      (at > 0 ? lines[at - 1] : input).focus();
    } else if (event.key === "Enter" && document.activeElement === input) {
      // One line left, or a page by its beginning: go there at once.
      const late = answers !== input.value;
      if (late) lines = lines.filter((line) => !found.contains(line));
      const [only] = lines;
      const typed = input.value.trim().toLowerCase();
      const starts = only?.textContent.trim().toLowerCase().startsWith(typed);
      if (typed && only && (lines.length === 1 || (pages.contains(only) && starts))) {
        event.preventDefault();
        only.click();
      } else if (!typed) {
        event.preventDefault();
      }
    }
  });

  palette.addEventListener("close", () => {
    input.value = "";
    narrow();
  });
}

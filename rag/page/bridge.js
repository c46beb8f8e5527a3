// Runs once, when the Source component is mounted. `element`, `trigger` and `watch` are provided by Gradio.
const LINK = 'a[href^="#cite-"], a[href^="#passage-"], a[href^="#why-"], a[href^="#copy-"]';
let opened = null;

const named = (target) => {
  const link = target instanceof Element && target.closest(LINK);
  const match = link && /^#(cite|passage|why|copy)-(\d+)(?:-(\d+))?$/.exec(link.getAttribute('href'));
  return match && { link, href: match[0], place: match[1], turn: Number(match[2]), number: Number(match[3] || 0) };
};
const answer = (turn) => window.footnote?.exchanges[turn]?.answer;

// A link anywhere in the page opens its place in the source; Enter on a focused link clicks it.
document.addEventListener('click', (event) => {
  const found = named(event.target);
  if (!found) return;
  event.preventDefault();
  quote.hidden = true;
  if (found.place === 'copy') return copy(found);
  if (found.place === 'why') return trigger('why', { turn: found.turn });
  opened = found.href;
  trigger('open', { place: found.place, turn: found.turn, number: found.number });
}, true);

// An answer is copied with the words that it rests on.
const where = (one) => one.source + (one.page ? `, page ${one.page}` : '');
const copy = async ({ link, turn }) => {
  const { text, citations } = answer(turn);
  const notes = citations.map((one) => `[${one.mark}] ${where(one)}: “${one.quote}”`);
  await navigator.clipboard.writeText([text, ...notes].join('\n'));
  const label = link.textContent;
  link.textContent = 'Copied';
  setTimeout(() => { link.textContent = label; }, 1500);
};

// Over a footnote, or when the keyboard reaches it, its words are shown beside it.
const quote = document.createElement('div');
quote.id = 'quote';
quote.hidden = true;
quote.setAttribute('role', 'tooltip');
document.body.append(quote);
const hover = (event) => {
  const found = named(event.target);
  const cited = found?.place === 'cite' && answer(found.turn)?.citations[found.number];
  if (!cited) return;
  const words = document.createElement('q');
  words.textContent = cited.quote.length > 600 ? `${cited.quote.slice(0, 600)}…` : cited.quote;
  const source = document.createElement('cite');
  source.textContent = where(cited);
  quote.replaceChildren(words, source);
  quote.hidden = false;
  const place = found.link.getBoundingClientRect();
  const left = Math.min(place.left, innerWidth - quote.offsetWidth - 12);
  const fits = place.bottom + quote.offsetHeight + 12 < innerHeight;
  quote.style.left = `${Math.max(12, left)}px`;
  quote.style.top = `${fits ? place.bottom + 6 : Math.max(8, place.top - quote.offsetHeight - 6)}px`;
  found.link.setAttribute('aria-describedby', 'quote');
};
const leave = (event) => { if (named(event.target)) quote.hidden = true; };
document.addEventListener('mouseover', hover);
document.addEventListener('focusin', hover);
document.addEventListener('mouseout', leave);
document.addEventListener('focusout', leave);
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') quote.hidden = true; });

// When a new document has been put here: scroll to the quote as soon as its tab is visible.
const motion = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth');
const reveal = (tries) => {
  const mark = element.querySelector('#cited');
  if (mark && mark.getClientRects().length) {
    mark.scrollIntoView({ block: 'center', behavior: motion() });
    element.querySelector('.text:not([hidden]), .rendered:not([hidden]), figure')?.focus({ preventScroll: true });
  } else if (tries > 0) {
    requestAnimationFrame(() => reveal(tries - 1));
  }
};
watch('value', () => reveal(120));

element.addEventListener('click', (event) => {
  if (event.target.closest('.back')) {
    const link = document.querySelector(`#chat a[href="${opened}"]`);
    link?.scrollIntoView({ block: 'center', behavior: motion() });
    link?.focus({ preventScroll: true });
  }
  const toggle = event.target.closest('.as-text');
  if (toggle) {
    const views = element.querySelectorAll('article > .text, article > .rendered, article > figure');
    for (const view of views) view.hidden = !view.hidden;
    const isText = !element.querySelector('.text').hidden;
    toggle.setAttribute('aria-pressed', String(isText));
    const mark = element.querySelector('.text:not([hidden]) mark, .rendered:not([hidden]) mark, figure:not([hidden]) mark');
    mark?.scrollIntoView({ block: 'center', behavior: motion() });
  }
});

// Words that are selected in the text of a source are told by their places, counted in code points as the server does.
const characters = (from, to) => {
  const range = document.createRange();
  range.selectNodeContents(from);
  range.setEnd(to.node, to.offset);
  return [...range.toString()].length;
};
document.addEventListener('mouseup', () => select());
document.addEventListener('keyup', (event) => { if (event.shiftKey || event.key === 'Shift') select(); });
const select = () => {
  const chosen = getSelection();
  const text = element.querySelector('.text');
  if (!chosen.rangeCount || chosen.isCollapsed || !text) return;
  const range = chosen.getRangeAt(0);
  if (!text.contains(range.startContainer)) return;
  const start = characters(text, { node: range.startContainer, offset: range.startOffset });
  // Three clicks select a paragraph to the beginning of what follows it, which may stand outside.
  const isInside = text.contains(range.endContainer);
  const end = isInside ? characters(text, { node: range.endContainer, offset: range.endOffset }) : [...text.textContent].length;
  if (end > start) trigger('select_words', { start, end });
};

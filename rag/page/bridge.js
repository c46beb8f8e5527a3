// Runs once, when the Source component is mounted. `element`, `trigger` and `watch` are provided by Gradio.
let opened = null;

// A footnote or passage link anywhere in the page opens its place in the source; Enter on a focused link clicks it.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element && event.target.closest('a[href^="#cite-"], a[href^="#passage-"]');
  const match = link && /^#(cite|passage)-(\d+)-(\d+)$/.exec(link.getAttribute('href'));
  if (!match) return;
  event.preventDefault();
  opened = match[0];
  trigger('open', { place: match[1], turn: Number(match[2]), number: Number(match[3]) });
}, true);

// When a new document has been put here: scroll to the quote as soon as its tab is visible.
const motion = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth');
const reveal = (tries) => {
  const mark = element.querySelector('#cited');
  if (mark && mark.getClientRects().length) {
    mark.scrollIntoView({ block: 'center', behavior: motion() });
    element.querySelector('.text').focus({ preventScroll: true });
  } else if (tries > 0) {
    requestAnimationFrame(() => reveal(tries - 1));
  }
};
watch('value', () => reveal(120));

// And back to the footnote that was opened.
element.addEventListener('click', (event) => {
  if (!event.target.closest('.back')) return;
  const link = document.querySelector(`#chat a[href="${opened}"]`);
  link?.scrollIntoView({ block: 'center', behavior: motion() });
  link?.focus({ preventScroll: true });
});

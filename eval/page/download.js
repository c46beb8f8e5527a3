// Runs once, when the report is mounted.
const report = () => element.querySelector('iframe').dataset.report;

// The page may be light where the system is dark, or the other way round; the report goes with the page. It is given to
// its frame here and only here: a frame given two documents one after the other may end up showing the first.
const show = () => {
  const frame = element.querySelector('iframe');
  if (!frame) return;
  const dark = document.body.classList.contains('dark');
  const themed = report()
    .replace('(prefers-color-scheme: dark)', dark ? 'all' : 'not all')
    .replace('content="light dark"', `content="${dark ? 'dark' : 'light'}"`);
  if (frame.srcdoc !== themed) frame.srcdoc = themed;
};
new MutationObserver(show).observe(element, { childList: true, subtree: true });
new MutationObserver(show).observe(document.body, { attributeFilter: ['class'] });
show();

// What is downloaded is on the page already: nothing is fetched, no file is left anywhere.
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-download]');
  if (!button) return;
  const isReport = button.dataset.download === 'report';
  const content = isReport ? report() : element.querySelector('pre').textContent;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: isReport ? 'text/html' : 'application/json' }));
  link.download = button.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});

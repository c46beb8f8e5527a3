// Runs once, when the report is mounted.
let report = '';

// The page may be light where the system is dark, or the other way round; the report goes with the page.
watch('value', () => {
  const frame = element.querySelector('iframe');
  if (!frame) return;
  report = frame.srcdoc;
  const dark = document.body.classList.contains('dark');
  if (dark === matchMedia('(prefers-color-scheme: dark)').matches) return;
  frame.srcdoc = report
    .replace('(prefers-color-scheme: dark)', dark ? 'all' : 'not all')
    .replace('content="light dark"', `content="${dark ? 'dark' : 'light'}"`);
});

// What is downloaded is on the page already: nothing is fetched, no file is left anywhere.
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-download]');
  if (!button) return;
  const isReport = button.dataset.download === 'report';
  const content = isReport ? report : element.querySelector('pre').textContent;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: isReport ? 'text/html' : 'application/json' }));
  link.download = button.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});

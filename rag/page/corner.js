// Runs once, when the page's corner is mounted: light or dark, as chosen here, else as the system says.
const root = document.body;
const button = element.querySelector('.theme');
const show = (dark) => {
  root.classList.toggle('dark', dark);
  button.setAttribute('aria-label', dark ? 'Switch to light' : 'Switch to dark');
  button.textContent = dark ? '☀' : '☾';
};
const system = matchMedia('(prefers-color-scheme: dark)');
const chosen = () => localStorage.getItem('footnote-theme');
show(chosen() ? chosen() === 'dark' : system.matches);
system.addEventListener('change', () => { if (!chosen()) show(system.matches); });
button.addEventListener('click', () => {
  const dark = !root.classList.contains('dark');
  localStorage.setItem('footnote-theme', dark ? 'dark' : 'light');
  show(dark);
});

// Gradio calls the example questions a list without items, which screen readers cannot make sense of.
const mend = () => document.querySelectorAll('#chat .examples[role="list"]').forEach((list) => list.removeAttribute('role'));
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();

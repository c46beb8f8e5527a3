// Runs once, when the list of gold questions is mounted. A question is deleted at the second press of its button.
let removed = false;

const relax = (button) => {
  button.textContent = 'Delete';
  button.setAttribute('aria-label', `Delete ${button.dataset.remove}`);
  button.classList.remove('sure');
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-remove]');
  if (!button) return;
  if (button.classList.contains('sure')) {
    removed = true;
    trigger('remove', { id: button.dataset.remove });
    return;
  }
  button.textContent = 'Really delete';
  button.setAttribute('aria-label', `Really delete ${button.dataset.remove}`);
  button.classList.add('sure');
});
element.addEventListener('focusout', (event) => {
  if (event.target.matches?.('button.sure')) relax(event.target);
});
// The button that had the focus is gone with its row.
watch('value', () => {
  if (removed) element.querySelector('h3')?.focus();
  removed = false;
});

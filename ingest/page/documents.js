// Runs once, when the list of documents is mounted. `element` and `trigger` are provided by Gradio.
// Deleting takes two presses of the same button; a press elsewhere takes the first one back.
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('button.delete');
  for (const button of element.querySelectorAll('button.delete.sure')) {
    if (button === pressed) continue;
    button.classList.remove('sure');
    button.textContent = 'Delete';
  }
  if (!pressed) return;
  if (!pressed.classList.contains('sure')) {
    pressed.classList.add('sure');
    pressed.textContent = 'Really delete?';
    return;
  }
  pressed.disabled = true;
  trigger('remove', { source: pressed.dataset.source });
});

// Runs once, when the list of conversations is mounted. `element`, `props`, `trigger` and `watch` are Gradio's.
// Conversations are kept in this browser alone (IndexedDB); the server is given one when it is opened again.
const database = new Promise((resolve, reject) => {
  const request = indexedDB.open('footnote', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('conversations', { keyPath: 'id' });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const kept = async (mode, action) => {
  const store = (await database).transaction('conversations', mode).objectStore('conversations');
  return new Promise((resolve, reject) => {
    const request = action(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
};

const item = ({ id, title, text }) => {
  const entry = document.createElement('li');
  const open = document.createElement('button');
  open.type = 'button';
  open.className = 'open';
  open.textContent = open.title = title;
  if (window.footnote?.id === id) open.setAttribute('aria-current', 'true');
  open.addEventListener('click', () => trigger('resume', { text }));
  const forget = document.createElement('button');
  forget.type = 'button';
  forget.className = 'forget';
  forget.textContent = '×';
  forget.setAttribute('aria-label', `Delete the conversation “${title}”`);
  forget.addEventListener('click', async () => {
    if (!forget.classList.contains('sure')) {
      forget.classList.add('sure');
      forget.textContent = 'Delete?';
      return;
    }
    await kept('readwrite', (store) => store.delete(id));
    if (window.footnote?.id === id) trigger('begin');
    else list();
  });
  forget.addEventListener('blur', () => { forget.classList.remove('sure'); forget.textContent = '×'; });
  entry.append(open, forget);
  return entry;
};

const list = async () => {
  const all = await kept('readonly', (store) => store.getAll());
  all.sort((one, other) => other.when - one.when);
  const place = element.querySelector('ul');
  place.replaceChildren(...all.map(item));
  if (!all.length) place.innerHTML = '<li class="none">Your conversations are kept here, in this browser alone.</li>';
};

// Each answer brings the whole conversation, which the footnotes' quotes are shown from as well.
watch('value', async () => {
  window.footnote = props.value ? JSON.parse(props.value) : null;
  if (window.footnote) {
    const { id, exchanges } = window.footnote;
    const known = await kept('readonly', (store) => store.get(id));
    const isNew = !known || known.text !== props.value;
    if (isNew) {
      const title = exchanges[0].answer.question;
      await kept('readwrite', (store) => store.put({ id, title, when: Date.now(), text: props.value }));
    }
  }
  list();
});
list();

// "/" goes to the question box from anywhere, Alt+N begins a new conversation.
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, [contenteditable]');
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    document.querySelector('#question textarea')?.focus();
  }
  if (event.altKey && event.key.toLowerCase() === 'n') {
    event.preventDefault();
    trigger('begin');
  }
});

// The table of questions: filtered by words, outcome and tag. Without a script it is all there, only unfiltered.
const form = document.querySelector('.filter');
const rows = [...document.querySelectorAll('.question')].map((element) => ({
  element,
  failure: element.dataset.failure,
  tags: JSON.parse(element.dataset.tags),
  text: [element.querySelector('summary'), element.querySelector('.answer')].map((part) => part.textContent).join(' ').toLowerCase(),
}));
const shows = (row, words, failure, tag) =>
  words.every((word) => row.text.includes(word)) &&
  (!failure || (failure === 'any' ? row.failure : row.failure === failure)) &&
  (!tag || row.tags.includes(tag));
const filter = () => {
  const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const shown = Boolean(shows(row, words, form.failure.value, form.tag?.value));
    row.element.hidden = !shown;
    count += shown;
  }
  form.querySelector('output').textContent = `${count} shown`;
};
form.addEventListener('input', filter);
form.addEventListener('submit', (event) => event.preventDefault());
filter(); // a browser may have kept what was chosen before a reload

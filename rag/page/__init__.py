"""How answers, sources and passages look on a page: HTML and Markdown made of escaped text, a style sheet, a script."""

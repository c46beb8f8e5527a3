"""A run -> something one likes to read: one HTML file without any other, or Markdown for a pull request."""

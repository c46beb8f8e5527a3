"""The documents' side of the page: uploads, the list, progress, and a PDF's page as a picture."""

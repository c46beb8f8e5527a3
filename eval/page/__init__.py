"""Evaluation in the chat: gold questions made from feedback, runs that can be watched and stopped, their reports."""

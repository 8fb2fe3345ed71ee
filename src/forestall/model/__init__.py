"""Plain values that everything else passes around: targets, readings, frames, findings, actions."""

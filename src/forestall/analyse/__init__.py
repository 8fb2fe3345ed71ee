"""What numbers mean over time: trends, envelopes, quantiles."""

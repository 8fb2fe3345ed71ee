"""The only door to the kernel: files, clocks, processes, cgroups, the kernel log."""

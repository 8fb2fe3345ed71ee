"""The host's memory: /proc/meminfo, vmstat, loadavg, stat and pressure/memory (proc(5), accounting/psi.rst)."""

from __future__ import annotations

from forestall.model.errors import Absent, Denied, ForestallError, Malformed
from forestall.model.frame import Host, Note, Pressure
from forestall.parse import loadavg, meminfo, procstat, psi, vmstat
from forestall.system.files import KeptFile
from forestall.system.procfs import Procfs

_STAT_BYTES_MAX = 1024 * 1024


class HostCollector:
    """Reads the host each tick through files kept open. `notes` says what this kernel does not tell."""

    def __init__(self, procfs: Procfs) -> None:
        self.notes: list[Note] = []
        self._last: Host | None = None
        self._meminfo = procfs.keep("meminfo")
        self._procfs = procfs
        self._loadavg = procfs.keep("loadavg")
        self._stat = procfs.keep("stat")
        self._pressure = self._keep_pressure(procfs)

    def _keep_pressure(self, procfs: Procfs) -> KeptFile | None:
        try:
            kept = procfs.keep("pressure/memory")
            kept.read()
        except (Absent, Denied) as error:
            remedy = "boot with psi=1 (needs CONFIG_PSI)"
            self.notes.append(Note("memory pressure of the host", str(error), remedy))
            return None
        return kept

    def collect(self) -> Host:
        """Return the host as it is now; raises Malformed when /proc/meminfo lacks what every kernel has."""
        memory = self._memory()
        # Not kept open: it has outgrown the page that one pread of such a list gives (fs/seq_file.c).
        counters = vmstat.parse(self._procfs.read("vmstat"))
        load = loadavg.parse(self._loadavg.read())
        stat = procstat.parse(self._stat.read(_STAT_BYTES_MAX))
        take = memory.get
        count = counters.get
        self._last = Host(
            total_bytes=memory["MemTotal"],
            free_bytes=memory["MemFree"],
            available_bytes=take("MemAvailable", memory["MemFree"]),
            buffers_bytes=take("Buffers", 0),
            cached_bytes=take("Cached", 0),
            shmem_bytes=take("Shmem", 0),
            slab_reclaimable_bytes=take("SReclaimable", 0),
            slab_unreclaimable_bytes=take("SUnreclaim", 0),
            anon_bytes=take("AnonPages", 0),
            page_tables_bytes=take("PageTables", 0),
            kernel_stack_bytes=take("KernelStack", 0),
            dirty_bytes=take("Dirty", 0),
            committed_bytes=take("Committed_AS", 0),
            commit_limit_bytes=take("CommitLimit", 0),
            swap_total_bytes=take("SwapTotal", 0),
            swap_free_bytes=take("SwapFree", 0),
            swap_cached_bytes=take("SwapCached", 0),
            low_total_bytes=take("LowTotal", 0),
            low_free_bytes=take("LowFree", 0),
            load_1m=load.one_minute,
            load_5m=load.five_minutes,
            load_15m=load.fifteen_minutes,
            running_processes=stat.running,
            blocked_processes=stat.blocked,
            oom_kills=count("oom_kill"),
            swap_in_pages=count("pswpin", 0),
            swap_out_pages=count("pswpout", 0),
            alloc_stalls=sum(value for key, value in counters.items() if key.startswith("allocstall")),
            pages_scanned_kswapd=count("pgscan_kswapd", 0),
            pages_scanned_direct=count("pgscan_direct", 0),
            pages_stolen_kswapd=count("pgsteal_kswapd", 0),
            pages_stolen_direct=count("pgsteal_direct", 0),
            major_faults=count("pgmajfault", 0),
            pressure=self._read_pressure(),
        )
        return self._last

    def glance(self) -> Host:
        """Return the host with memory and pressure as they are now, everything else as of the last `collect`."""
        if self._last is None:
            return self.collect()
        memory = self._memory()
        take = memory.get
        return self._last._replace(
            free_bytes=memory["MemFree"],
            available_bytes=take("MemAvailable", memory["MemFree"]),
            swap_total_bytes=take("SwapTotal", 0),
            swap_free_bytes=take("SwapFree", 0),
            pressure=self._read_pressure(),
        )

    def _memory(self) -> dict[str, int]:
        """Return /proc/meminfo; a half of it is refused, for what is missing would read as no memory left."""
        raw = self._meminfo.read()
        memory = meminfo.parse(raw)
        if "MemTotal" not in memory or "MemFree" not in memory:
            raise Malformed("/proc/meminfo", "no MemTotal or MemFree in it", raw)
        return memory

    def _read_pressure(self) -> Pressure | None:
        if self._pressure is None:
            return None
        try:
            return psi.parse(self._pressure.read())
        except ForestallError:
            return None


PLUGIN = HostCollector

/**
 * For crash tests: kills the process, as `kill -9` does, when it comes to the named point for the
 * n-th time. `MILLRACE_CRASH_AT=after-prepare` or `after-publish:gold.*#3`; without it, nothing.
 */
export function crashPoint(setting: string | undefined): (point: string) => void {
  if (setting === undefined || setting === "") return () => undefined;
  const [pattern, count] = setting.split("#");
  let remaining = count === undefined ? 1 : Number(count);
  return (point) => {
    const hit = pattern.endsWith("*") ? point.startsWith(pattern.slice(0, -1)) : point === pattern;
    if (!hit || --remaining > 0) return;
    process.kill(process.pid, "SIGKILL");
    // The signal is delivered at once, but not before this call returns: nothing may happen behind it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}

// For a container's health check: does the one process in it, a gateway or a worker, live? A database that is away is no reason to
// start it again; whether it can serve is GET /readyz, for what balances the load.
const ports = [process.env.PORT ?? '4000', process.env.BILLING_WORKER_PORT].filter((port) => port !== undefined);

try {
  await Promise.any(
    ports.map(async (port) => {
      const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`);
      if (!ok) throw new Error(`Port ${port} is not well.`);
    }),
  );
} catch {
  process.exitCode = 1;
}

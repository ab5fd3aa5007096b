// `penstock dev` for one test: $PENSTOCK on a directory and a port of its own.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Answers as soon as `condition` is true; throws after twenty seconds. */
export async function eventually(condition, what) {
  for (let i = 0; i < 400; ++i) {
    const value = await condition();
    if (value) return value;
    await sleep(50);
  }
  throw new Error(`not within 20 s: ${what}`);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  static async start() {
    const server = new Server();
    server.directory = mkdtempSync(join(tmpdir(), 'penstock-clients-'));
    server.kubeconfig = join(server.directory, 'data/kubeconfig');
    server.port = await freePort();
    await server.run();
    return server;
  }

  /** On the same directory and port. */
  async run() {
    let log = '';
    this.process = spawn(process.env.PENSTOCK, [
      'dev', '--data-dir', join(this.directory, 'data'), '--api', `127.0.0.1:${this.port}`]);
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { log += text; });
    await eventually(() => {
      if (this.process.exitCode !== null) throw new Error(log);
      return log.includes('serving the Kubernetes API');
    }, 'penstock dev serves');
  }

  async stop() {
    const ended = new Promise((resolve) => { this.process.once('exit', resolve); });
    this.process.kill('SIGTERM');
    await ended;
  }

  async remove() {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

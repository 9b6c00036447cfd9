import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebian } from './install-debian.ts';

export interface Nginx {
  /** The port of the n-th server block. */
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/**
 * Debian's nginx with a self-made certificate.
 *
 * @param blocks the insides of server blocks; each listens with TLS, or in plain where it says so
 */
export async function startNginx(
  blocks: readonly { readonly tls: boolean; readonly inside: string }[],
): Promise<Nginx> {
  await installDebian({ nginx: 'nginx-light', openssl: 'openssl' });
  const folder = mkdtempSync(join(tmpdir(), 'onestep-nginx-'));
  const file = (name: string) => join(folder, name);
  const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', '2'];
  execFileSync('openssl', ['req', ...request, ...names, ...files], { stdio: 'ignore' });
  const ports = await Promise.all(blocks.map(freePort));
  const servers = blocks.map(
    ({ tls, inside }, index) =>
      `server { listen 127.0.0.1:${ports[index]}${tls ? ' ssl' : ''}; ${inside} }`,
  );
  writeFileSync(
    file('nginx.conf'),
    `daemon off; pid ${file('pid')}; error_log ${file('error.log')};
events {}
http {
  access_log off; client_body_temp_path ${file('body')}; proxy_temp_path ${file('proxy')};
  fastcgi_temp_path ${file('f')}; uwsgi_temp_path ${file('u')}; scgi_temp_path ${file('s')};
  ssl_certificate ${file('cert.pem')}; ssl_certificate_key ${file('key.pem')};
  ${servers.join('\n  ')}
}`,
  );
  const nginx = spawn('/usr/sbin/nginx', ['-c', file('nginx.conf')], { stdio: 'inherit' });
  const exited = new Promise((resolve) => nginx.once('exit', resolve));
  await Promise.all(ports.map(untilListening));
  return {
    ports,
    async stop() {
      nginx.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () =>
        resolve(false),
      );
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebian } from './install-debian.ts';
import { freePort, stopChild } from './processes.ts';

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
  await Promise.all(ports.map(untilOpen));
  return {
    ports,
    async stop() {
      await stopChild(nginx);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a port takes connections; what it speaks may be TLS. */
async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

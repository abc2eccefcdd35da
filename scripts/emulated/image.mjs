/**
 * A CD that boots Linux, runs a command in the project with this machine's Node, and switches the computer off: for
 * emulators of whole computers. All files are in the initial RAM disk, which takes neither drivers nor a mounted image.
 */
import fs from 'node:fs';
import path from 'node:path';
import { root, run } from '../lib/run.mjs';
import { listFiles } from '../lib/step.mjs';

const work = path.join(root, '.cache', 'emulated');
const kernel = '.cache/emulated/kernel/vmlinuz';
const bootLoader = '/usr/lib/ISOLINUX/isolinux.bin';
const bootModule = '/usr/lib/syslinux/modules/bios/ldlinux.c32';
const busybox = '/bin/busybox';

/** What makes the image, and the Debian package of each. */
export const imagePackages = {
  [bootLoader]: 'isolinux',
  [bootModule]: 'syslinux-common',
  [busybox]: 'busybox-static',
  xorriso: 'xorriso',
};

export const kernelStep = {
  name: 'emulated-kernel',
  inputs: ['scripts/emulated/image.mjs'],
  outputs: [kernel],
  build: async () => {
    const folder = path.join(work, 'kernel');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    if (process.getuid() === 0) await run('apt-get', ['update']);
    const newest = await run('apt-cache', ['depends', 'linux-image-cloud-amd64']);
    const name = /Depends: (linux-image-\S+)/.exec(newest)[1];
    await run('apt-get', ['download', name], { cwd: folder });
    const archive = fs.readdirSync(folder).find((file) => file.endsWith('.deb'));
    await run('dpkg-deb', ['--extract', archive, '.'], { cwd: folder });
    const [image] = fs
      .readdirSync(path.join(folder, 'boot'))
      .filter((f) => f.startsWith('vmlinuz'));
    fs.renameSync(path.join(folder, 'boot', image), path.join(root, kernel));
    for (const file of fs.readdirSync(folder)) {
      if (file !== 'vmlinuz') fs.rmSync(path.join(folder, file), { recursive: true });
    }
  },
};

/**
 * Makes the CD `image`: its computer runs the shell lines `commands` in /octavo, which holds `files` and
 * `binaries` of the project and the npm packages `packages`, with all they depend on. `node` is on its PATH.
 */
export async function makeImage(image, { commands, binaries, files, packages, kernelOptions }) {
  const init = [
    '#!/bin/busybox sh',
    'busybox mount -t proc proc /proc',
    'busybox mount -t sysfs sysfs /sys',
    'busybox mount -t devtmpfs devtmpfs /dev',
    'busybox stty -F /dev/ttyS1 raw',
    'cd /octavo',
    ...commands,
    'busybox poweroff -f',
  ];
  const programs = { '/bin/busybox': busybox, '/bin/node': process.execPath };
  for (const file of await librariesOf([process.execPath, ...binaries])) programs[file] = file;
  const project = [...binaries, ...files, ...packageFiles(packages)].flatMap(listFiles);
  const contents = [
    ...Object.entries(programs).map(([guest, host]) => [guest.slice(1), fs.readFileSync(host)]),
    ...project.map((file) => [`octavo/${file}`, fs.readFileSync(path.join(root, file))]),
    ['init', Buffer.from(`${init.join('\n')}\n`)],
  ];
  const initrd = path.join(work, 'initrd');
  fs.writeFileSync(initrd, archiveOf(contents, ['proc', 'sys', 'dev', 'tmp']));
  const config = path.join(work, 'isolinux.cfg');
  const options = ['console=ttyS0', 'loglevel=1', ...kernelOptions];
  const entry = ['KERNEL /vmlinuz', 'INITRD /initrd', `APPEND ${options.join(' ')}`];
  fs.writeFileSync(config, `DEFAULT linux\nLABEL linux\n${entry.join('\n')}\n`);
  const boot = ['-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot'];
  const layout = {
    'isolinux/isolinux.bin': bootLoader,
    'isolinux/ldlinux.c32': bootModule,
    'isolinux/isolinux.cfg': config,
    vmlinuz: path.join(root, kernel),
    initrd,
  };
  await run('xorriso', [
    ...['-as', 'mkisofs', '-quiet', '-o', image, ...boot],
    ...['-boot-load-size', '4', '-boot-info-table', '-graft-points'],
    ...Object.entries(layout).map(([guest, host]) => `${guest}=${host}`),
  ]);
}

/** The shared libraries of `programs`, and the loader that they name. */
async function librariesOf(programs) {
  const list = await run('ldd', programs);
  return new Set([...list.matchAll(/^\s.*?(\/\S+) \(0x/gm)].map(([, file]) => file));
}

/** The folders of `packages` and of all that they depend on. */
function packageFiles(packages) {
  const found = new Set();
  const visit = (name) => {
    const folder = `node_modules/${name}`;
    if (found.has(folder)) return;
    found.add(folder);
    const file = path.join(root, folder, 'package.json');
    const { dependencies = {} } = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const dependency of Object.keys(dependencies)) visit(dependency);
  };
  for (const name of packages) visit(name);
  return [...found];
}

const [folderMode, fileMode, deviceMode] = [0o40755, 0o100755, 0o20600];

/** A cpio archive (newc) of files `[name, data]`, of empty folders, and of the console. */
function archiveOf(files, emptyFolders) {
  const parts = [];
  const add = (name, mode, data = Buffer.alloc(0), [major, minor] = [0, 0]) => {
    const label = Buffer.from(`${name}\0`);
    const numbers = [
      ...[parts.length, mode, 0, 0, 1, 0, data.length, 0, 0],
      ...[major, minor, label.length, 0],
    ];
    const header = numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
    for (const part of [Buffer.concat([Buffer.from(`070701${header}`), label]), data])
      parts.push(part, Buffer.alloc(-part.length & 3));
  };
  const folders = new Set(emptyFolders);
  for (const [name] of files) {
    const steps = path.dirname(name).split('/');
    for (const i of steps.keys()) folders.add(steps.slice(0, i + 1).join('/'));
  }
  folders.delete('.');
  for (const folder of folders) add(folder, folderMode);
  add('dev/console', deviceMode, undefined, [5, 1]);
  for (const [name, data] of files) add(name, fileMode, data);
  add('TRAILER!!!', 0);
  return Buffer.concat(parts);
}

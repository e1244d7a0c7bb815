import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { madeOnce } from './cache.ts'

/** Members of a genuine wheel too large to be fetched whole: pip says where it lies, and only their bytes are asked for (HTTP ranges). */
export function wheelMembers(name: string, version: string, keep: string, python = '3.11'): string {
  return madeOnce(join('wheels', `${name}-${version}-py${python}-${Buffer.from(keep).toString('hex').slice(0, 24)}`), (folder) => {
    mkdirSync(folder)
    const report = execFileSync(
      'python3',
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--dry-run', '--ignore-installed', '--no-deps', '--report', '-', '--target', join(folder, 'none'), '--only-binary=:all:', '--python-version', python,
        ...['manylinux1_x86_64', 'manylinux2014_x86_64', 'manylinux_2_28_x86_64'].flatMap((platform) => ['--platform', platform]), `${name}==${version}`],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 600_000, maxBuffer: 64 << 20 },
    )
    const { install } = JSON.parse(report) as { install: readonly { download_info: { url: string } }[] }
    execFileSync('python3', ['-c', EXTRACT, install[0]!.download_info.url, folder, keep], { timeout: 600_000 })
  })
}

const EXTRACT = `
import io, re, sys, urllib.request, zipfile
class Remote(io.RawIOBase):
    def __init__(self, url):
        self.url, self.at = url, 0
        self.size = int(urllib.request.urlopen(urllib.request.Request(url, method='HEAD')).headers['Content-Length'])
    def seekable(self): return True
    def readable(self): return True
    def tell(self): return self.at
    def seek(self, to, whence=0):
        self.at = to + (0, self.at, self.size)[whence]
        return self.at
    def readinto(self, into):
        end = min(self.at + len(into), self.size)
        if end <= self.at: return 0
        data = urllib.request.urlopen(urllib.request.Request(self.url, headers={'Range': 'bytes=%d-%d' % (self.at, end - 1)})).read()
        into[:len(data)] = data
        self.at += len(data)
        return len(data)
archive = zipfile.ZipFile(io.BufferedReader(Remote(sys.argv[1]), 4 << 20))
for name in archive.namelist():
    if re.search(sys.argv[3], name): archive.extract(name, sys.argv[2])
`

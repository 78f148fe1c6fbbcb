#!/usr/bin/env python3
"""Exports a recorded chain with proofs, checks the archive, and shows that false proofs are refused, each by its name.

usage: proofs.py --bin DIR --chains DIR [--chain local-144]        closes with "N passed, N failed"

DIR of --chains has recnode.py, which serves recorded chains, and the chains; needs what recnode.py needs (aiohttp).
Every case serves the chain anew; in all but the first ones the node tells something false about one block.
"""
import argparse, asyncio, importlib.util, json, os, shutil, subprocess, sys, tempfile, threading

FALSE_AT = 321      # the block about which a node is made to tell something false
KINDS = {
    'a byte of a proof is changed': 'a node was changed',
    'a node of a proof is dropped': 'a node was dropped',
    'a node is added to a proof': 'a node was added',
    'a node of a proof is there twice': 'twice',
    'the proof is that of another block': 'state_getReadProof',
    'the events are those of another block': 'is not what the state root says',
}


def load(chains):
    spec = importlib.util.spec_from_file_location('recnode', os.path.join(chains, 'recnode.py'))
    recnode = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recnode)
    return recnode


def flip(text, at):
    return text[:at] + format(int(text[at], 16) ^ 1, 'x') + text[at + 1:]


def tell_something_false(recnode, node, kind):
    """Changes what a node answers about one block."""
    block, other = node.c.blocks[FALSE_AT], node.c.blocks[FALSE_AT + 1]
    honest = node.methods['state_getReadProof']

    def proof(keys, at=None):
        answer = honest(keys, at)
        if at != block['hash']:
            return answer
        nodes = list(answer['proof'])
        place = max(range(len(nodes)), key=lambda i: len(nodes[i]))
        if kind == 'a byte of a proof is changed':
            nodes[place] = flip(nodes[place], len(nodes[place]) - 10)
        elif kind == 'a node of a proof is dropped':
            nodes.pop(min(range(len(nodes)), key=lambda i: len(nodes[i])))
        elif kind == 'a node is added to a proof':
            nodes.append(next(n for n in honest(keys, other['hash'])['proof'] if n not in nodes))
        elif kind == 'a node of a proof is there twice':
            nodes.append(nodes[place])
        elif kind == 'the proof is that of another block':
            nodes = honest(keys, other['hash'])['proof']
        return {'at': answer['at'], 'proof': nodes}

    node.methods['state_getReadProof'] = proof
    if kind == 'the events are those of another block':
        block['events'] = other['events']
    elif kind == 'the method is unknown':
        del node.methods['state_getReadProof']


class Served:
    """A node in a thread of its own."""

    def __init__(self, recnode, folder, kind=None):
        node = recnode.Node(recnode.Chain(folder))
        if kind:
            tell_something_false(recnode, node, kind)
        self.ready, self.loop = threading.Event(), asyncio.new_event_loop()
        self.node, self.web = node, recnode.web
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.ready.wait(30)

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.start())
        self.loop.run_forever()

    async def start(self):
        async def handler(request):
            return self.web.Response(text=self.node.handle(await request.text()), content_type='application/json')
        app = self.web.Application(client_max_size=64 << 20)
        app.router.add_route('*', '/{path:.*}', handler)
        self.runner = self.web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self.runner.setup()
        site = self.web.TCPSite(self.runner, '127.0.0.1', 0)
        await site.start()
        self.url = f'http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}'
        self.ready.set()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)


def call(*args):
    r = subprocess.run(args, capture_output=True, text=True, timeout=600)
    return r.returncode, r.stdout, r.stderr


def export(binaries, url, last, out, *more):
    return call(f'{binaries}/minting-fetch', 'blocks', f'1..{last}', '--rpc', url, '--out', out, '--own-node',
                '--patience', '1', *more)


def honest(recnode, folder, binaries, work, last):
    """Problems of exports from an honest node: all blocks, a sample, none, and that all have one archive root."""
    problems, roots, sizes = [], set(), {}
    served = Served(recnode, folder)
    try:
        for proofs, wanted in (('all', last), ('sample:10', -(-last // 10)), ('none', 0)):
            out = f'{work}/{proofs.replace(":", "-")}'
            code, _, err = export(binaries, served.url, last, out, '--proofs', proofs)
            if code != 0:
                problems.append(f'--proofs {proofs}: fetch exited {code}: {err.strip()[-400:]}')
                continue
            code, text, err = call(f'{binaries}/minting-replay', 'check', out, '--json')
            if code != 0:
                problems.append(f'--proofs {proofs}: check exited {code}: {(text + err).strip()[-400:]}')
                continue
            found, = json.loads(text)
            level = 'state-proofs' if wanted else 'headers'
            if (found['blocks'], found['proven_blocks'], found['level'], found['finality']) != (last, wanted, level, None):
                problems.append(f'--proofs {proofs}: {wanted} of {last} blocks wanted, {level}, but check says {text}')
            roots.add(found['archive_root'])
            listed = json.load(open(f'{out}/manifest.json')).get('proofs')
            sizes[proofs] = sum(entry['file_bytes'] for entry in listed['blocks']) if listed else 0
    finally:
        served.stop()
    if len(roots) != 1:
        problems.append(f'the archive root depends on the proofs: {roots}')
    a_block = sizes.get('all', 0) / last
    print(f'   proofs take {a_block:.0f} bytes a block')
    if a_block > 700:
        problems.append(f'proofs take {a_block:.0f} bytes a block, more than 700')
    return problems


def refused(recnode, folder, binaries, work, last, kind, *words):
    served = Served(recnode, folder, kind)
    try:
        code, _, err = export(binaries, served.url, last, f'{work}/{kind.replace(" ", "-")}', '--proofs', 'all')
    finally:
        served.stop()
    err = err.strip()[-600:]
    return [] if code == 1 and all(word in err for word in words) else [f'fetch exited {code}, without {words}: {err}']


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--bin', required=True)
    ap.add_argument('--chains', required=True)
    ap.add_argument('--chain', default='local-144')
    a = ap.parse_args()
    recnode, folder, binaries = load(a.chains), os.path.join(a.chains, a.chain), os.path.abspath(a.bin)
    last = json.load(open(f'{folder}/chain.json'))['lastHeight']
    work, outcomes = tempfile.mkdtemp(prefix='proofs-'), {}
    try:
        outcomes['proofs of an honest node'] = honest(recnode, folder, binaries, work, last)
        for kind, words in KINDS.items():
            outcomes[kind] = refused(recnode, folder, binaries, work, last, kind, f'block {FALSE_AT} ', words)
        kind = 'the method is unknown'
        outcomes[kind] = refused(recnode, folder, binaries, work, last, kind, '--proofs none')
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, problems in outcomes.items():
        print(('FAILED ' if problems else 'ok ') + name)
        for problem in problems[:5]:
            print('   ', problem)
    failed = sum(map(bool, outcomes.values()))
    print(f'{len(outcomes) - failed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Checks a minting archive and prints a summary. Needs Python 3.11 or newer and the package zstandard.

Written from archive-format.md alone, without a look at the program that writes archives: it shows that the text is
enough, and checks archives with code that shares nothing with that program. § is a section of the text. Exits with 0 if
the archive is valid, with 1 and `error: <file>: <what>` at the first broken rule, with 2 on wrong usage. Everything is
checked before anything is printed.

NOT checked, because it takes a decoder of metadata: that events, keys and values decode; that a snapshot lists every
prefix that its runtime has; that BLOCK_TIMES has exactly the blocks that NodePower names; that System.Version agrees
with the spec version. Nor are the log items inside of header digests, nor, as that takes more than Python has, the
signatures of validators.
"""
import argparse, hashlib, itertools, json, os, re, signal, struct, sys
import zstandard

MIB = 1 << 20
FILE_LIMIT = BODY_LIMIT = 256 * MIB
WINDOW_LIMIT = MANIFEST_LIMIT = 128 * MIB


class Broken(Exception):
    pass


def need(condition, file, what):
    if not condition:
        raise Broken(f'{file}: {what}')


def ascending(file, what, values):
    need(all(a < b for a, b in zip(values, values[1:])), file, f'{what} do not ascend strictly')


def check_version(file, major, minor):
    need(major == 1 and minor <= 2, file, f'has format version {major}.{minor}; this reader reads 1.0 to 1.2, '
         f'install one for {major}.{minor}')


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- Manifest (§7). A form is a function that says whether a value has it.

def integer(low, high):
    return lambda value: type(value) is int and low <= value <= high

def or_null(form):
    return lambda value: value is None or form(value)

def record(**fields):
    return lambda value: (isinstance(value, dict) and value.keys() == fields.keys()
                          and all(form(value[name]) for name, form in fields.items()))

def entry(**fields):
    return record(file=text, file_bytes=integer(0, FILE_LIMIT), body_bytes=integer(0, BODY_LIMIT), file_sha256=digest,
                  content_sha256=digest, **fields)

def entries(**fields):
    form = entry(**fields)
    return lambda value: isinstance(value, list) and all(map(form, value))

def text(value): return isinstance(value, str)
def boolean(value): return isinstance(value, bool)
def digest(value): return text(value) and re.fullmatch('[0-9a-f]{64}', value) is not None


U16, U32, I64 = integer(0, 2**16 - 1), integer(0, 2**32 - 1), integer(-2**63, 2**63 - 1)
FORMAT = record(major=U16, minor=U16, name=lambda value: value == 'tfchain-minting-archive')
MANIFEST = {
    'format': FORMAT, 'archive_root': digest, 'chunk_blocks': integer(1, 65536), 'first_block': U32, 'last_block': U32,
    'first_parent_hash': digest, 'genesis_hash': digest, 'last_hash': digest, 'period': or_null(U32),
    'chunks': entries(first=U32, last=U32, last_hash=digest), 'state': entries(block_hash=digest, height=U32),
    'metadata': entries(metadata_sha256=digest, spec_version=U32),
    'range': or_null(record(**{'from': I64}, to=I64, first_block=U32, last_block=U32, window_blocks=U32,
                            first_block_given=boolean, last_block_given=boolean, block_time_ms=integer(1, 2**64 - 1)))}


PROOFS = record(blocks=entries(first=U32, last=U32), finality=or_null(entry(block_hash=digest, height=U32)), one_in=integer(1, 2**32 - 1), state=entries(height=U32))


def read_manifest(folder):
    name = 'manifest.json'
    if not os.path.exists(os.path.join(folder, name)) and os.path.exists(os.path.join(folder, 'export.json')):
        raise Broken('export.json: the export is not finished; the same export command finishes it')        # §8
    raw = read_file(folder, name, MANIFEST_LIMIT)
    try:
        m = json.loads(raw.decode())
        canonical = (json.dumps(m, indent=2, sort_keys=True, ensure_ascii=False) + '\n').encode()
    except (ValueError, RecursionError) as error:
        raise Broken(f'{name}: is not JSON in UTF-8: {error}')
    need(isinstance(m, dict) and FORMAT(m.get('format')), name, 'has no valid "format"')
    check_version(name, m['format']['major'], m['format']['minor'])         # before all else (§9)
    need(raw == canonical, name, 'is not in canonical form')
    more = {'slim_of', 'proofs'} & m.keys()                                     # §15, §16
    need(len(more) < 2, name, 'is of a slim archive with proofs')
    minor = 2 if 'proofs' in m else len(more)
    need(m['format']['minor'] == minor, name, f'format.minor is not {minor}')
    need('slim_of' not in m or digest(m['slim_of']), name, '"slim_of" is no digest')
    need('proofs' not in m or PROOFS(m['proofs']), name, '"proofs" is not in the form of section 16')
    need(m.keys() - more == MANIFEST.keys(), name, f'lacks or adds fields: {", ".join(sorted(m.keys() ^ MANIFEST.keys()))}')
    for field, form in MANIFEST.items():
        need(form(m[field]), name, f'"{field}" is not in the form of section 7')

    first, last, size, r = m['first_block'], m['last_block'], m['chunk_blocks'], m['range']
    need(first <= last, name, 'first_block is above last_block')
    parent = {0: '0' * 64, 1: m['genesis_hash']}.get(first, m['first_parent_hash'])
    need(m['first_parent_hash'] == parent, name, f'first_parent_hash of block {first} is not {parent}')
    at = first
    for chunk in m['chunks']:
        end = min(last, at - at % size + size - 1)
        need((chunk['first'], chunk['last']) == (at, end), name, f'a chunk is not from block {at} to {end}')
        at = end + 1
    need(at == last + 1, name, f'block {at} is in no chunk')
    need(m['chunks'][-1]['last_hash'] == m['last_hash'], name, 'last_hash is not that of the last chunk')
    heights = [entry['height'] for entry in m['state']]
    ascending(name, 'heights', heights)
    ascending(name, 'digests of metadata', [entry['metadata_sha256'] for entry in m['metadata']])
    need(all(first <= height <= last for height in heights), name, 'a state is outside of the blocks')
    if 'proofs' in m:
        runs = [(entry['first'], entry['last']) for entry in m['proofs']['blocks']]
        need(runs == [(chunk['first'], chunk['last']) for chunk in m['chunks']], name, 'proofs are not those of every chunk')
        proven = [entry['height'] for entry in m['proofs']['state']]
        need(proven == heights, name, 'proofs are not those of every snapshot')
        final = m['proofs']['finality']
        need(final is None or final['height'] >= last, name, 'the block that is final is before the last block')
    need(r or m['period'] is None, name, 'has a period and no range')
    if r:
        need(r['from'] < r['to'], name, 'range: from is not below to')
        need(r['first_block'] == first <= r['last_block'], name, 'range: blocks are not those of the manifest')
        need(r['last_block'] + r['window_blocks'] == last, name, 'range: last_block and window do not end the archive')
        need({first, r['last_block']} <= set(heights), name, 'range: its first or last block has no state')
    return m


def archive_root(m):
    r, period = m['range'], m['period']
    out = (b'tfchain minting archive root v1\n' + struct.pack('<H', m['format']['major'])
           + bytes.fromhex(m['genesis_hash']) + struct.pack('<II', m['first_block'], m['last_block'])
           + bytes.fromhex(m['first_parent_hash'] + m['last_hash']) + struct.pack('<I', m['chunk_blocks'])
           + (b'\0' if period is None else struct.pack('<BI', 1, period))
           + (b'\0' if r is None else struct.pack(
               '<BqqIBIBQI', 1, r['from'], r['to'], r['first_block'], r['first_block_given'], r['last_block'],
               r['last_block_given'], r['block_time_ms'], r['window_blocks'])))
    for kind in ('chunks', 'metadata', 'state'):
        out += struct.pack('<I', len(m[kind])) + b''.join(
            (struct.pack('<I', entry['height']) if kind == 'state' else b'') + bytes.fromhex(entry['content_sha256'])
            for entry in m[kind])
    return sha256(out + bytes.fromhex(m.get('slim_of', ''))).hex()


# ---- Files, and bodies taken apart from front to back (§2, §3)

def read_file(folder, name, limit):
    try:
        with open(os.path.join(folder, name), 'rb') as file:
            need(os.fstat(file.fileno()).st_size <= limit, name, f'is above {limit} bytes')
            return file.read()
    except OSError as error:
        raise Broken(f'{name}: {error.strerror}')


def read_body(folder, name, entry, kind):
    need(entry['file'] == name, 'manifest.json', f'lists {entry["file"]}, which has to be {name}')
    raw = read_file(folder, name, FILE_LIMIT)
    body = unpack(name, raw, kind)
    need(len(raw) == entry['file_bytes'], name, 'has not file_bytes of the manifest')
    need(sha256(raw).hex() == entry['file_sha256'], name, 'has not file_sha256 of the manifest')
    need(len(body.data) == entry['body_bytes'], name, 'header has not body_bytes of the manifest')
    need(sha256(body.data).hex() == entry['content_sha256'], name, 'header has not content_sha256 of the manifest')
    return body


def unpack(name, raw, kind):
    need(raw[:8] == b'\x89TFA\r\n\x1a\n' and len(raw) > 56, name, 'has no header of an archive file')
    major, minor, body_kind, flags, length, content = struct.unpack('<HHHHQ32s', raw[8:56])
    check_version(name, major, minor)
    need((body_kind, flags) == (kind, 0), name, f'has kind of body {body_kind} and flags {flags}, not {kind} and 0')
    frame = raw[56:]
    need(frame[:4] == b'\x28\xb5\x2f\xfd', name, 'has no zstd frame after the header')      # a skippable one neither
    try:
        says = zstandard.get_frame_parameters(frame)
        need(says.content_size == length, name, 'frame does not declare the length of the body')
        need(says.dict_id == 0 and says.window_size <= WINDOW_LIMIT, name, 'frame needs a dictionary or large window')
        body = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT).decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Broken(f'{name}: zstd: {error}')
    need(len(body) == length and sha256(body) == content, name, 'body has not the length and digest of the header')
    return Body(name, body, minor)


class Body:
    def __init__(self, name, data, minor=0):
        self.name, self.data, self.at, self.minor = name, data, 0, minor

    def take(self, length):
        need(length <= len(self.data) - self.at, self.name, 'ends early')
        self.at += length
        return self.data[self.at - length:self.at]

    def numbers(self, count, size=4):
        return struct.unpack(f'<{count}{"I" if size == 4 else "Q"}', self.take(count * size))

    def number(self, size=4):
        return self.numbers(1, size)[0]

    def planes(self, count, width):                                             # §4a
        planes = self.take(1)[0]
        need(planes <= width, self.name, f'has {planes} planes of numbers of {width} bytes')
        data = self.take(planes * count)
        numbers = [int.from_bytes(data[row::count], 'little') for row in range(count)] if planes else [0] * count
        need(planes == max(map(byte_count, numbers), default=0), self.name, 'has more planes than its numbers need')
        return numbers

    def strings(self, lengths):
        return [self.take(length) for length in lengths]

    def end(self):
        need(self.at == len(self.data), self.name, f'has {len(self.data) - self.at} bytes left over')

    def sections(self, **kinds):
        """The payloads of exactly these sections, to the end of the body."""
        payloads = []
        for title, kind in kinds.items():
            found, reserved, length = struct.unpack('<HHQ', self.take(12))
            need((found, reserved) == (kind, 0), self.name,
                 f'has section {found:#06x}, reserved {reserved}, where {title} has to be')
            payloads.append(Body(f'{self.name}: {title}', self.take(length)))
        self.end()
        return payloads


# ---- Events in columns (§4a)

def byte_count(number):
    return (number.bit_length() + 7) // 8

def compact(x):
    return (struct.pack('<B', 4 * x) if x < 2**6 else struct.pack('<H', 4 * x + 1) if x < 2**14
            else struct.pack('<I', 4 * x + 2) if x < 2**30 else struct.pack('<BI', 3, x))

def unzigzag(z):
    return z >> 1 if z % 2 == 0 else -(z >> 1) - 1


def read_pool(body, count, width=None):
    codes = body.take(count)
    earlier = iter(body.planes(codes.count(8), 4))
    new = codes.count(9)
    lengths = [width] * new if width else body.planes(new, 4)
    data = body.take(sum(lengths))
    if width == 16:
        data = b''.join(data[row::new] for row in range(new))
    values, recent, out, at, known = [], [], [], 0, set()
    for length in lengths:
        values.append(data[at:at + length])
        at += length
    need(len(set(values)) == len(values), body.name, 'has a new value twice')
    seen = 0
    for code in codes:
        need(code <= 9, body.name, f'has a code {code}')
        if code == 9:
            place, seen = seen, seen + 1
        elif code == 8:
            place = next(earlier)
            need(place < seen and place not in recent, body.name, 'names an earlier value that is none')
        else:
            need(code < len(recent), body.name, 'names a recent value that is none')
            place = recent.pop(code)
        recent = [place] + recent[:7]
        out.append(values[place])
    return out


def read_numbers(body, width, blocks, keys, before):
    transform = body.take(1)[0]
    stored = body.planes(len(blocks), width)
    if transform == 0:
        return stored
    need(transform in (1, 2) or transform == 3 and keys or transform == 4 and keys and before, body.name,
         f'has transform {transform} where it cannot be')
    numbers, last, modulus = [], {}, 2 ** (8 * width)
    for row, z in enumerate(stored):
        if transform == 1:
            expected = blocks[row]
        elif transform == 2:
            expected = numbers[-1] if numbers else 0
        else:
            found = last.get(keys[row])
            expected = 0 if found is None else numbers[found] + (before[row] - before[found] if transform == 4 else 0)
            last[keys[row]] = row
        numbers.append((expected + unzigzag(z)) % modulus)
    return numbers


def read_columns(body, first, times, spans):
    """The values of System.Events of the blocks."""
    name = body.name
    kinds = []
    for _ in range(body.take(1)[0]):
        span, pallet, event, fields = body.take(4)
        kinds.append((span, pallet, event, None if fields == 255 else body.take(fields)))
    need(len({kind[:3] for kind in kinds}) == len(kinds), name, 'has a kind twice')
    need(all(widths is None or 0 not in widths for *_, widths in kinds), name, 'has a field without bytes')
    tokens = [tuple(body.take(3)) for _ in range(body.take(1)[0])]
    need(len(set(tokens)) == len(tokens), name, 'has a token twice')
    need(all(k < len(kinds) and p <= 4 and t <= 1 for k, p, t in tokens), name, 'has a token that means nothing')
    counts = body.planes(len(times), 4)
    record_tokens = body.take(sum(counts))
    need(list(dict.fromkeys(record_tokens)) == list(range(len(tokens))), name, 'tokens are not in order')
    need(list(dict.fromkeys(tokens[t][0] for t in record_tokens)) == list(range(len(kinds))), name, 'kinds are not')
    explicit = iter(body.planes(sum(tokens[t][1] == 4 for t in record_tokens), 4))
    topic_counts = body.planes(sum(tokens[t][2] for t in record_tokens), 4)
    topics = iter([b''.join(body.strings([32] * count)) for count in topic_counts])
    need(0 not in topic_counts, name, 'has a record whose topics are none')

    places, at = [[] for _ in kinds], 0
    for place, count in enumerate(counts):
        for token in record_tokens[at:at + count]:
            places[tokens[token][0]].append(place)
        at += count
    span_of = [sum(start <= first + place for start in spans) - 1 for place in range(len(times))]
    columns, pooled = [], {16: 0, 32: 0}
    for (span, _, _, widths), rows in zip(kinds, places):
        need(all(span_of[place] == span for place in rows), name, 'has an event of another span than its block')
        if widths is None:
            columns.append([iter(read_pool(body, len(rows)))])
            continue
        fields, keys, before = [], None, None
        is_key = sum(width in (4, 8) for width in widths) > 1
        for width in widths:
            if width in (16, 32):
                pooled[width] += len(rows)
                fields.append(width)
            elif width not in (4, 8):
                data = body.take(width * len(rows))
                fields.append(iter([data[row::len(rows)] for row in range(len(rows))]))
            else:
                if is_key:
                    need(body.take(1)[0] == 5, name, 'has a key that is no dictionary')
                    gaps = body.planes(body.number(), width)
                    need(all(gaps[1:]), name, 'has keys that do not ascend')
                    distinct = [sum(gaps[:1])]
                    for gap in gaps[1:]:
                        distinct.append(distinct[-1] + gap)
                    keys = body.planes(len(rows), 4)
                    need(set(keys) == set(range(len(gaps))), name, 'has keys that no row has, or the other way round')
                    numbers, is_key = [distinct[key] for key in keys], False
                else:
                    expected = [times[place] // 1000 if width == 8 else first + place for place in rows]
                    numbers = before = read_numbers(body, width, expected, keys, before)
                fields.append(iter([number.to_bytes(width, 'little') for number in numbers]))
        columns.append(fields)
    pools = {width: iter(read_pool(body, pooled[width], width)) for width in (16, 32)}
    body.end()

    values, record_tokens = [], iter(record_tokens)
    for place, count in enumerate(counts):
        out, phase, extrinsic = [compact(count)] if first + place else [], None, 0
        for _ in range(count):
            kind, code, has_topics = tokens[next(record_tokens)]
            _, pallet, event, _ = kinds[kind]
            index = next(explicit) if code == 4 else extrinsic
            found = [phase, b'\0' + struct.pack('<I', index), b'\1', b'\2', b'\0' + struct.pack('<I', index)][code]
            need(found is not None and (code == 0 or found != phase) and (code != 4 or index != extrinsic), name,
                 'has a phase code that is not the lowest')
            phase = found
            if phase[0] == 0:
                extrinsic = struct.unpack('<I', phase[1:])[0] + 1
            out += [phase, bytes((pallet, event))]
            out += [next(pools[field] if isinstance(field, int) else field) for field in columns[kind]]
            its = next(topics) if has_topics else b''
            out += [compact(len(its) // 32), its]
        values.append(b''.join(out))
    return values


# ---- Proofs (§16): nodes of the trie, and claims that a prefix has exactly some pairs

def blake2(data):
    return hashlib.blake2b(data, digest_size=32).digest()

def nibbles(key):
    return tuple(nibble for byte in key for nibble in (byte >> 4, byte & 15))

def string(data):
    return compact(len(data)) + data


def encode_node(layout, pairs, depth):
    """The node of exactly these pairs (nibbles and value, ascending), whose path begins at depth."""
    first, last = pairs[0][0][depth:], pairs[-1][0][depth:]
    if len(pairs) == 1:
        partial, value, children = first, pairs[0][1], None
    else:
        shared = len(os.path.commonprefix([first, last]))
        partial, below = first[:shared], depth + shared
        value = pairs[0][1] if len(pairs[0][0]) == below else None
        children = [b''] * 16
        for nibble, group in itertools.groupby(pairs[value is not None:], key=lambda pair: pair[0][below]):
            child = encode_node(layout, list(group), below + 1)
            children[nibble] = string(child if len(child) < 32 else blake2(child))
    hashed = layout == 1 and value is not None and len(value) > 32
    if children is None:
        bits, free = (0b001 << 5, 5) if hashed else (0b01 << 6, 6)
    elif value is None:
        bits, free = 0b10 << 6, 6
    else:
        bits, free = (0b0001 << 4, 4) if hashed else (0b11 << 6, 6)
    most, rest = 2**free - 1, len(partial) - (2**free - 1)
    out = bytes([bits | len(partial)]) if rest < 0 else bytes([bits | most]) + b'\xff' * (rest // 255) + bytes([rest % 255])
    padded = (0,) * (len(partial) % 2) + partial
    out += bytes(a << 4 | b for a, b in zip(padded[::2], padded[1::2]))
    if children is not None:
        out += struct.pack('<H', sum(1 << n for n, child in enumerate(children) if child))
    if value is not None:
        out += blake2(value) if hashed else string(value)
    return out + b''.join(children or ())


def read_compact(body):
    first = body.take(1)[0]
    if first % 4 == 3:
        need(first == 3, body.name, 'has a length above all limits')
        return body.number()
    more = body.take((1, 2, 4)[first % 4] - 1)
    return int.from_bytes(bytes([first]) + more, 'little') >> 2


def decode_node(name, data):
    """Path and children (none for a leaf) of a node."""
    body = Body(f'{name}: node {blake2(data).hex()}', data)
    first = body.take(1)[0]
    kinds = ((0b01, 6), (0b10, 6), (0b11, 6), (0b001, 5), (0b0001, 4))
    kind, free = next(((kind, free) for kind, free in kinds if first >> free == kind), (None, 0))
    need(kind is not None, body.name, 'is no node')
    length = first & (2**free - 1)
    if length == 2**free - 1:
        while True:
            more = body.take(1)[0]
            length += more
            if more < 255:
                break
    path = nibbles(body.take((length + 1) // 2))
    need(path[:length % 2] in ((), (0,)), body.name, 'has a padded path')
    path, children = path[length % 2:], None
    if (kind, free) in ((0b10, 6), (0b11, 6), (0b0001, 4)):
        bitmap = struct.unpack('<H', body.take(2))[0]
    if (kind, free) in ((0b001, 5), (0b0001, 4)):
        body.take(32)
    elif (kind, free) != (0b10, 6):
        body.take(read_compact(body))
    if (kind, free) in ((0b10, 6), (0b11, 6), (0b0001, 4)):
        need(bitmap, body.name, 'is a branch without children')
        children = [body.take(read_compact(body)) if bitmap >> nibble & 1 else None for nibble in range(16)]
    body.end()
    return path, children


def check_proof(name, layout, root, nodes, claims):
    """Claims are pairs of a prefix and all key-value pairs under it; both ascend."""
    nodes = list(nodes)

    def is_node(at, depth, pairs):
        node = encode_node(layout, pairs, depth) if pairs else b'\0'
        need(at == (blake2(node) if depth == 0 or len(node) >= 32 else node), name,
             f'storage under 0x{claims_at(pairs)} is not what the state root says')

    def claims_at(pairs):
        return bytes(a << 4 | b for a, b in zip(pairs[0][0][:64:2], pairs[0][0][1:64:2])).hex() if pairs else ''

    def none(some):
        need(not any(pairs for _, pairs in some), name, 'has pairs where the state has none')

    def walk(at, depth, some):
        given = len(at) == 32
        if given and not (nodes and blake2(nodes[0]) == at):
            full = [pairs for _, pairs in some if pairs]
            need(len(full) == 1, name, f'lacks node {at.hex()}')
            return is_node(at, depth, full[0])
        data = nodes[0] if given else at
        path, children = decode_node(name, data)
        ends = [claim for claim in some if path[:len(claim[0][depth:])] == claim[0][depth:]]
        if ends:
            need(not given, name, f'has node {at.hex()}, which can be computed')
            none([claim for claim in some if claim is not ends[0]])
            return is_node(at, depth, ends[0][1])
        if given:
            nodes.pop(0)
        below = depth + len(path)
        none([claim for claim in some if claim[0][depth:below] != path])
        some = [claim for claim in some if claim[0][depth:below] == path]
        for nibble in range(16):
            group = [claim for claim in some if claim[0][below] == nibble]
            if group and children is not None and children[nibble] is not None:
                walk(children[nibble], below + 1, group)
            else:
                none(group)

    claims = [(nibbles(prefix), [(nibbles(key), value) for key, value in pairs]) for prefix, pairs in claims]
    if root == blake2(b'\0'):
        none(claims)
    else:
        walk(root, 0, claims)
    need(not nodes, name, f'has {len(nodes)} nodes that are on the way to nothing')


EVENTS_KEY = bytes.fromhex('26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7')
NOW_KEY = bytes.fromhex('f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb')


def block_hash(parent, x, state_root, extrinsics_root, header_digest):
    return hashlib.blake2b(parent + compact(x) + state_root + extrinsics_root + header_digest, digest_size=32).digest()


class Archive:
    """A folder of which everything has been checked."""

    def __init__(self, folder):
        self.folder, self.m = folder, read_manifest(folder)
        self.genesis, self.first = bytes.fromhex(self.m['genesis_hash']), self.m['first_block']
        self.hashes, self.times, self.events, self.runtimes = [], [], [], []    # by place of the block
        self.roots, self.layouts, self.prefixes, self.proven = [], {}, {}, 0    # for proofs
        self.pairs, self.named = {}, set()      # by height of the snapshot; runtimes that a span or snapshot names
        self.listed = {bytes.fromhex(entry['metadata_sha256']) for entry in self.m['metadata']}
        parent = bytes.fromhex(self.m['first_parent_hash'])
        for entry in self.m['chunks']:
            parent = self.read_chunk(entry, parent)
        self.check_blocks()
        for entry in self.m['state']:
            self.read_state(entry)
        for entry in self.m['metadata']:
            self.read_metadata(entry)
        proofs = self.m.get('proofs', {'blocks': [], 'finality': None, 'state': []})
        final = [proofs['finality']] if proofs['finality'] else []
        for entry, chunk in zip(proofs['blocks'], self.m['chunks']):
            self.read_block_proofs(entry, chunk['last_hash'])
        for entry, state in zip(proofs['state'], self.m['state']):
            self.read_state_proof(entry, state['block_hash'])
        for entry in final:
            self.read_finality(entry)
        need(archive_root(self.m) == self.m['archive_root'], 'manifest.json', 'archive_root is not that of the rest')
        listed = {kind: self.m[kind] for kind in ('chunks', 'state', 'metadata')} | {'proofs': proofs['blocks'] + proofs['state'] + final}
        for kind in listed:                                                     # §1: no strangers
            path, known = os.path.join(folder, kind), {entry['file'] for entry in listed[kind]}
            for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
                need(f'{kind}/{name}' in known or name.endswith('.tmp'), f'{kind}/{name}', 'is not in the manifest')

    def read_chunk(self, entry, parent):                                        # §4, §15
        slim = 'slim_of' in self.m
        name = (f'chunks/{entry["first"]:010}-{entry["last"]:010}-{entry["last_hash"][:8]}'
                f'{"-slim" if slim else ""}.tfa')
        body = read_body(self.folder, name, entry, 5 if slim else 1)
        need(body.take(32) == self.genesis, name, 'genesis hash is not that of the manifest')
        first, n = body.numbers(2)
        need((first, first + n - 1) == (entry['first'], entry['last']), name, f'has {n} blocks from {first}')
        need(body.take(32) == parent, name, 'parent hash is not the hash of the block before')
        if slim:
            spans, columns, gaps, hashes = body.sections(RUNTIME_SPANS=4, EVENT_COLUMNS=7, SLIM_TIMES=8, KNOWN_HASHES=9)
            times = list(itertools.accumulate(map(unzigzag, gaps.planes(n, 8))))
            known = [(hashes.number(), hashes.take(32)) for _ in range(hashes.number())]
            ascending(name, 'known hashes', [number for number, _ in known])
            need(known and known[0][0] >= first and known[-1] == (first + n - 1, bytes.fromhex(entry['last_hash'])), name,
                 'known hashes are not of its blocks, or lack the last')
            self.hashes += [dict(known).get(number) for number in range(first, first + n)]
            parent, read = self.hashes[-1], (spans, gaps, hashes)
        else:
            kinds = dict(EVENTS=3, RUNTIME_SPANS=4) if body.minor == 0 else dict(RUNTIME_SPANS=4, EVENT_COLUMNS=7)
            headers, timestamps, *sections = body.sections(HEADERS=1, TIMESTAMPS=2, **kinds)
            events, spans, columns = (*sections, None) if body.minor == 0 else (None, *sections)
            roots = headers.strings([32] * n), headers.strings([32] * n)
            self.roots += roots[0]
            for number, *fields in zip(range(first, first + n), *roots, headers.strings(headers.numbers(n))):
                parent = block_hash(parent, number, *fields)
                self.hashes.append(parent)
            need(parent.hex() == entry['last_hash'], name, f'block {entry["last"]} has the hash {parent.hex()}')
            times, read = timestamps.numbers(n, size=8), (headers, timestamps, spans)
        self.times += times
        starts, runtimes = zip(*[(spans.number(), spans.take(32)) for _ in range(spans.number())] or [(-1, b'')])
        need(starts[0] == first and starts[-1] < first + n, name, 'spans do not begin at the first block, or go too far')
        ascending(name, 'spans', starts)
        need(all(a != b for a, b in zip(runtimes, runtimes[1:])), name, 'neighbouring spans have the same runtime')
        need(self.listed.issuperset(runtimes), name, 'a span names a metadata that is not listed')
        for runtime, start, end in zip(runtimes, starts, [*starts[1:], first + n]):
            self.runtimes += [runtime] * (end - start)
        self.named.update(runtimes)
        if columns:
            self.events += read_columns(columns, first, times, starts)
        else:
            self.events += events.strings(events.numbers(n))
            events.end()
        for number, value in enumerate(self.events[-n:], first):
            need((value == b'') == (number == 0), name,
                 f'events of block {number} are {len(value)} bytes; those of block 0, and no others, are empty')
        for section in read:
            section.end()
        return parent

    def check_blocks(self):
        """What concerns more than one chunk, or the blocks and the manifest."""
        if self.first == 0:
            name = self.m['chunks'][0]['file']
            need(self.hashes[0] in (self.genesis, None), name, 'hash of block 0 is not the genesis hash')
            need(self.times[0] == 0, name, 'block 0 has a time')
            need(len(set(self.runtimes[:2])) == 1, name, 'block 1 has another runtime than block 0')
        r, seconds = self.m['range'], [time // 1000 for time in self.times]
        if r and not r['first_block_given']:
            need(seconds[0] > r['from'], 'manifest.json', 'range: first_block is not after from')
        if r and not r['last_block_given']:
            found = next((number for number, time in enumerate(seconds, self.first) if time > r['to']), None)
            need(found == r['last_block'], 'manifest.json', f'range: the first block after to is {found}')

    def read_state(self, entry):                                                # §5
        height = entry['height']
        name, place = f'state/{height:010}-{entry["block_hash"][:8]}.tfa', height - self.first
        body = read_body(self.folder, name, entry, 2)
        need(body.take(32) == self.genesis, name, 'genesis hash is not that of the manifest')
        need(body.number() == height, name, 'number of the block is not the one listed')
        need(body.take(32).hex() == entry['block_hash'], name, 'hash of the block is not the one listed')
        need(self.hashes[place].hex() == entry['block_hash'], name, 'hash of the block is not that of the chunk')
        runtime = body.take(32)
        need(runtime in self.listed, name, 'names a metadata that is not listed')
        following = self.runtimes[place + 1:place + 2]
        need(following in ([], [runtime]), name, 'does not name the runtime of the events of the next block')
        self.named.add(runtime)
        prefixes, pairs, times = body.sections(PREFIXES=0x101, PAIRS=0x102, BLOCK_TIMES=0x103)
        known = [prefixes.take(32) for _ in range(prefixes.number())]
        ascending(name, 'prefixes', known)
        count = pairs.number()
        key_lengths, value_lengths = pairs.numbers(count), pairs.numbers(count)
        keys, values, known = pairs.strings(key_lengths), pairs.strings(value_lengths), set(known)
        ascending(name, 'keys', keys)
        need(all(key[:32] in known for key in keys), name, 'has a key under none of its prefixes')
        block_times = [(times.number(), times.number(size=8)) for _ in range(times.number())]
        ascending(name, 'block times', [number for number, _ in block_times])
        for number, time in block_times:
            need(number <= height, name, f'has the time of block {number}, which is after the snapshot')
            right = 0 if number == 0 else self.times[number - self.first] if number >= self.first else time
            need(time == right, name, f'has another time of block {number} than the chain')
        for section in (prefixes, pairs, times):
            section.end()
        self.pairs[height] = list(zip(keys, values))
        self.prefixes[height] = sorted(known)

    def layout(self, height):                                                   # §16
        layout = self.layouts[self.runtimes[height - self.first]]
        need(layout in (0, 1), 'metadata', f'state version {layout} has an unknown layout')
        return layout

    def sample(self):
        """The blocks that have a proof."""
        one_in, count = self.m['proofs']['one_in'], len(self.hashes)
        for group, start in enumerate(range(0, count, one_in)):
            seed = b'tfchain minting proof sample v1\n' + bytes.fromhex(self.m['last_hash']) + struct.pack('<I', group)
            yield self.first + start + int.from_bytes(sha256(seed)[:8], 'little') % min(one_in, count - start)

    def read_block_proofs(self, entry, last_hash):
        first, last = entry['first'], entry['last']
        name = f'proofs/{first:010}-{last:010}-{last_hash[:8]}.tfa'
        body = read_body(self.folder, name, entry, 6)
        need(body.minor == 2, name, 'has not minor version 2')
        need(body.take(32) == self.genesis, name, 'genesis hash is not that of the manifest')
        need(body.numbers(2) == (first, last), name, 'is of other blocks than listed')
        need(body.take(32).hex() == last_hash, name, 'hash of the last block is not the one listed')
        proofs, = body.sections(READ_PROOFS=5)
        count = proofs.number()
        heights, counts = proofs.numbers(count), proofs.numbers(count)
        need(list(heights) == [h for h in self.sample() if first <= h <= last], name, 'has not the proofs of the sample')
        lengths = proofs.numbers(sum(counts))
        need(0 not in lengths, name, 'has a node without bytes')
        nodes = iter(proofs.strings(lengths))
        proofs.end()
        for height, count in zip(heights, counts):
            place = height - self.first
            held = [(EVENTS_KEY, self.events[place]), (NOW_KEY, struct.pack('<Q', self.times[place]))]
            claims = [(key, [(key, value)] if height else []) for key, value in held]
            own = list(itertools.islice(nodes, count))
            check_proof(f'{name}: block {height}', self.layout(height), self.roots[place], own, claims)
            self.proven += 1

    def read_state_proof(self, entry, block):
        height = entry['height']
        name = f'proofs/{height:010}-{block[:8]}.tfa'
        body = read_body(self.folder, name, entry, 7)
        need(body.minor == 2, name, 'has not minor version 2')
        need(body.take(32) == self.genesis, name, 'genesis hash is not that of the manifest')
        need(body.number() == height and body.take(32).hex() == block, name, 'is of another block than listed')
        proof, = body.sections(STATE_PROOFS=0x104)
        lengths = proof.numbers(proof.number())
        need(0 not in lengths, name, 'has a node without bytes')
        nodes = proof.strings(lengths)
        proof.end()
        claims = [(prefix, [pair for pair in self.pairs[height] if pair[0][:32] == prefix])
                  for prefix in self.prefixes[height]]
        check_proof(name, self.layout(height), self.roots[height - self.first], nodes, claims)

    def read_finality(self, entry):
        height, block = entry['height'], entry['block_hash']
        name = f'proofs/{height:010}-{block[:8]}-finality.tfa'
        body = read_body(self.folder, name, entry, 8)
        need(body.minor == 2, name, 'has not minor version 2')
        need(body.take(32) == self.genesis, name, 'genesis hash is not that of the manifest')
        need(body.number() == height and body.take(32).hex() == block, name, 'is of another block than listed')
        headers, justification, named = body.sections(HEADERS=1, JUSTIFICATIONS=6, AUTHORITIES=10)
        count, last = headers.number(), self.m['last_block']
        need(count == height - last, name, f'has {count} headers from block {last} to {height}')
        roots = headers.strings([32] * count), headers.strings([32] * count)
        parent, lengths = bytes.fromhex(self.m['last_hash']), headers.numbers(count)
        need(0 not in lengths, name, 'has a header digest without bytes')
        for number, *fields in zip(range(last + 1, height + 1), *roots, headers.strings(lengths)):
            parent = block_hash(parent, number, *fields)
        headers.end()
        need(parent.hex() == block, name, f'its headers lead to {parent.hex()}')
        justification.take(8)                                                   # round: any
        need(justification.take(32).hex() == block and justification.number() == height, name, 'justifies another block')
        if not named.data:
            return
        number = named.number()
        need(self.first <= number <= last, name, f'names validators by block {number}')
        grandpa = bytes.fromhex('5f9cc45b7a00c5899361e1c6099678dc')
        keys = [b':grandpa_authorities', grandpa + bytes.fromhex('5e0621c4869aa60c02be9adcc98a0d1d'),
                grandpa + bytes.fromhex('8a2d09463effcc78a22d75b9cb87dffc')]
        claims = []
        for key in keys:
            mark = named.take(1)[0]
            need(mark <= 1, name, f'has a mark {mark}')
            claims.append((key, [(key, named.take(named.number()))] if mark else []))
        lengths = named.numbers(named.number())
        need(0 not in lengths, name, 'has a node without bytes')
        nodes = named.strings(lengths)
        named.end()
        check_proof(name, self.layout(number), self.roots[number - self.first], nodes, claims)

    def read_metadata(self, entry):                                             # §6
        name = f'metadata/{entry["spec_version"]:05}-{entry["metadata_sha256"][:8]}.tfa'
        body = read_body(self.folder, name, entry, 3)
        need(body.number() == entry['spec_version'], name, 'spec version is not the one listed')
        self.layouts[bytes.fromhex(entry['metadata_sha256'])] = body.take(1)[0]
        metadata = body.sections(METADATA=0x201)[0].data
        need(metadata[:4] == b'meta' and len(metadata) > 4, name, 'is no metadata')
        need(sha256(metadata).hex() == entry['metadata_sha256'], name, 'SHA-256 of the metadata is not the one listed')
        need(sha256(metadata) in self.named, name, 'is named by no span and no snapshot')


def read_payments(folder, name):                                                # §14
    body = unpack(name, read_file(folder, name, FILE_LIMIT), 4)
    need(body.minor == 1, name, f'has minor version {body.minor}, not 1')
    body.take(96)                                                               # network, payer, issuer: any
    code = body.take(12).rstrip(b'\0')
    need(code.isalnum() and code.isascii(), name, 'code of the asset is not 1 to 12 letters and digits')
    since, cursor, read_until = struct.unpack('<qQq', body.take(24))
    columns, = body.sections(STELLAR_PAYMENTS=0x301)
    body.end()
    n = columns.number()
    need(n * 97 == len(columns.data) - 4, name, f'has {n} payments in a section of {len(columns.data)} bytes')
    operations, times = columns.numbers(n, 8), struct.unpack(f'<{n}q', columns.take(8 * n))
    amounts = columns.numbers(n, 8)
    columns.take(64 * n)                                                        # memos and destinations: any
    marks, identifiers = columns.take(n), columns.numbers(n, 8)
    columns.end()
    ascending(name, 'identifiers of operations', operations)
    need(list(times) == sorted(times), name, 'times of payments descend')
    need(not n or (operations[-1] <= cursor and times[-1] <= read_until), name, 'has a payment after the last one read')
    need(not n or not since or times[0] >= since, name, 'has a payment before the first one kept')
    need(all(mark == 1 or mark == 0 == number for mark, number in zip(marks, identifiers)), name,
         'has an identifier without a mark, or a mark that means nothing')
    return n, sum(amounts), code.decode()


def print_payments(folder, name):
    n, units, code = read_payments(folder, name)
    print(f'payments      {n}, {units // 10**7}.{units % 10**7:07} {code}')


def main():
    parser = argparse.ArgumentParser(description='Checks a minting archive, or a file of payments, and prints a summary.')
    parser.add_argument('folder', metavar='FOLDER')
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument('--events', metavar='H', type=int, help='print the raw events of block H as hex instead')
    instead.add_argument('--pairs', metavar='H', type=int, help='print keys and values after block H as hex instead')
    options = parser.parse_args()
    if hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)                           # quiet when piped into head
    payments = os.path.join('stellar', 'payments.tfa')
    try:
        if os.path.isfile(options.folder):
            print_payments(*os.path.split(options.folder))
            return
        a = Archive(options.folder)
        if options.events is not None:
            need(a.first <= options.events <= a.m['last_block'], 'manifest.json', f'there is no block {options.events}')
            print(a.events[options.events - a.first].hex())
            return
        if options.pairs is not None:
            need(options.pairs in a.pairs, 'manifest.json', f'there is no state at {options.pairs}')
            for key, value in a.pairs[options.pairs]:
                print(key.hex(), value.hex())
            return
        if os.path.exists(os.path.join(options.folder, payments)):
            print_payments(options.folder, payments)
    except Broken as broken:
        sys.exit(f'error: {broken}')
    print(f'blocks        {a.first} to {a.m["last_block"]} ({len(a.hashes)})')
    print(f'last hash     {a.m["last_hash"]}')
    print(f'events        {sum(map(len, a.events))} bytes')
    print(f'state         {sum(map(len, a.pairs.values()))} pairs in {len(a.pairs)} snapshots')
    print('runtimes     ', ', '.join(f'{e["spec_version"]} ({e["metadata_sha256"][:8]})' for e in a.m['metadata']))
    if 'proofs' in a.m:
        print(f'proven        {a.proven} of {len(a.hashes)} blocks, {len(a.pairs)} snapshots')
        if a.m['proofs']['finality']:
            print(f'justified     block {a.m["proofs"]["finality"]["height"]}; signatures are not checked')
    print(f'archive root  {a.m["archive_root"]}')


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Compares what the reference implementation published with replays, by `minting-replay verify`, for every case of the oracle.

usage: tools/verify_oracle.py --bin DIR --oracle DIR [--only NAME]...       closes with "N passed, N failed"
  --bin     folder with minting-fetch and minting-replay
  --oracle  folder with run.py, cases/ and history/

A case passes when its published files are equal, exit 0, and when each of these changes is found with exit 4, at a node and
a block: uptime, reward, and name of the farm of a receipt, a receipt that is missing, a row of overview.csv and of payouts.csv.
Needs what run.py needs.
"""
import argparse, glob, importlib.util, json, os, shutil, sys, tempfile


def load(path):
    spec = importlib.util.spec_from_file_location('oracle_run', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def export(run, folder, case, binaries, work):
    """Exports the archive of a case, as run.py does."""
    named = os.path.join(folder, case.get('scenario', 'scenario.json.gz'))
    scenario = next(p for p in (named, f'{folder}/scenario.json.gz', f'{folder}/scenario.json') if os.path.exists(p))
    node, url = run.start_simnode(scenario, case.get('metadata'))
    given = (case['reference_first_block'], case['reference_last_block'])
    extra = []
    if given != (case['first_block_after_start'], case['first_block_after_end']):
        extra = ['--first-block', str(given[0]), '--last-block', str(given[1])]
    try:
        return run.call([f'{binaries}/minting-fetch', 'period', str(case['period']), '--rpc', url, '--out', f'{work}/archive',
                         '--block-time', str(case['block_time']), '--own-node', '--quiet', *extra])
    finally:
        node.terminate()
        node.wait(30)


def published(folder, case, work):
    """What was published, as one folder; a fix-up lies beside the receipts that it corrects."""
    out = f'{work}/published'
    shutil.copytree(f'{folder}/expected', out)
    if case.get('kind') == 'fixup':
        shutil.copytree(f'{folder}/minted', out, dirs_exist_ok=True)
        for name in ('overview.csv', 'payouts.csv', 'retries.csv'):   # those of the minted run are not those of the fix-up
            if os.path.exists(f'{folder}/expected/{name}'):
                shutil.copy(f'{folder}/expected/{name}', f'{out}/{name}')
            elif os.path.exists(f'{out}/{name}'):
                os.remove(f'{out}/{name}')
    return out


def verify(run, case, folder, binaries, work, against):
    args = [f'{binaries}/minting-replay', 'verify', f'{work}/archive', '--period', str(case['period']), '--rules',
            case.get('rules', 'r81'), '--against', against, '--json']
    if case.get('kind') or case['has_wrapping_inputs']:
        args += ['--bugs', 'reference']
    if os.path.isdir(f'{folder}/previous'):
        args += ['--previous', f'{folder}/previous']
    if os.path.exists(f'{folder}/paid.txt'):
        args += ['--paid', f'{folder}/paid.txt']
    rc, text = run.call(args)
    try:
        return rc, json.loads(text[text.index('{'):]), text
    except ValueError:
        return rc, None, text


def changes(against, period):
    """Names of changes, and what makes them in a copy."""
    receipts = sorted(glob.glob(f'{against}/receipts/{period}/*')) or sorted(glob.glob(f'{against}/receipts/fixed/{period}/*'))
    fixed = sorted(glob.glob(f'{against}/receipts/fixed/{period}/*'))
    receipts = fixed or receipts

    def edit(change):
        def spoil(copy):
            path = copy + receipts[len(receipts) // 2][len(against):]
            value = json.load(open(path))
            change(value)
            open(path, 'w').write(json.dumps(value, separators=(',', ':')))
        return spoil

    def last_row(name):
        def spoil(copy):
            rows = open(f'{copy}/{name}', newline='').read().split('\n')
            rows.pop(-2)
            open(f'{copy}/{name}', 'w', newline='').write('\n'.join(rows))
        return spoil

    reward = 'fixup_reward' if fixed else 'reward'
    uptime = 'correct_uptime' if fixed else 'measured_uptime'
    found = {}
    if receipts:
        first = json.load(open(receipts[len(receipts) // 2]))
        if uptime in first:
            found['less uptime'] = edit(lambda r: r.update({uptime: (r[uptime] or 0) // 2 + 1}))
            found['more uptime'] = edit(lambda r: r.update({uptime: (r[uptime] or 0) + 7}))
        found['reward'] = edit(lambda r: r[reward].update({'tft': r[reward]['tft'] + 1}))
        found['receipt missing'] = lambda copy: os.remove(copy + receipts[0][len(against):])
    for name in ('overview.csv', 'payouts.csv'):
        if os.path.exists(f'{against}/{name}') and open(f'{against}/{name}').read().count('\n') > 2:
            found[f'row of {name}'] = last_row(name)
    return found


def check(run, folder, binaries, work):
    case = json.load(open(f'{folder}/case.json'))
    rc, text = export(run, folder, case, binaries, work)
    if rc != 0:
        return [f'minting-fetch exited {rc}: {text.strip()[-400:]}']
    against, problems = published(folder, case, work), []
    rc, said, text = verify(run, case, folder, binaries, work, against)
    if rc != 0 or not said or not said['equal']:
        return [f'verify exited {rc}: {text.strip()[-1500:]}']
    for name, spoil in changes(against, case['period']).items():
        copy = f'{work}/changed'
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(against, copy)
        spoil(copy)
        rc, said, text = verify(run, case, folder, binaries, work, copy)
        first = (said or {}).get('first') or {}
        if rc != 4 or said['equal'] or 'block' not in first or not first.get('reason'):
            problems.append(f'{name}: exit {rc}: {text.strip()[-400:]}')
        elif first['node'] is None and not name.startswith('row'):
            problems.append(f'{name}: no node is named: {first}')
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--bin', required=True)
    parser.add_argument('--oracle', required=True)
    parser.add_argument('--only', action='append')
    args = parser.parse_args()
    run, passed, failed = load(f'{args.oracle}/run.py'), 0, 0
    for kind in ('cases', 'history'):
        for path in sorted(glob.glob(f'{args.oracle}/{kind}/*/case.json')):
            folder, name = os.path.dirname(path), os.path.basename(os.path.dirname(path))
            if args.only and name not in args.only:
                continue
            with tempfile.TemporaryDirectory(prefix='verify-') as work:
                problems = check(run, folder, os.path.abspath(args.bin), work)
            passed, failed = passed + (not problems), failed + bool(problems)
            print(f'{"FAILED" if problems else "ok"} {kind} {name}', *(f'\n    {problem}' for problem in problems), flush=True)
    print(f'{passed} passed, {failed} failed')
    sys.exit(1 if failed or not passed else 0)


if __name__ == '__main__':
    main()

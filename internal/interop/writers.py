"""Runs the engines that write to the tables, each in a process of its own. Exit
code 1 if one of them cannot, or does not do what it was asked.

    writers.py --lake DIR --truth FILE --writers a,b,...
"""

import argparse
import os
import sys

import child


def main():
    parser = argparse.ArgumentParser(description="let other engines write to the tables")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--writers", default="deltalake,spark")
    args = parser.parse_args()
    failed = 0
    for writer in args.writers.split(","):
        code, output = child.run(writer, f"write_{writer}.py", [os.path.abspath(args.lake), os.path.abspath(args.truth)], args.lake)
        print("".join(line + "\n" for line in output.splitlines() if line.startswith("ok   ")), end="", flush=True)
        if code != 0:
            failed = 1
            print(f"DIFF write {writer}: ended with code {code}:\n{output[-4000:]}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())

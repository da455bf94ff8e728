// node bench/raw-yaml.mjs FILE: reads a manifest with the package `yaml` as it is, and nothing else: the floor of whoever reads it so.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

parse(readFileSync(process.argv[2], 'utf8'));

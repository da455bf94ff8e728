import fc from 'fast-check';

/** Properties meet the same values in every run, so that none fails by chance; CHANCE=n: others. */
fc.configureGlobal({ seed: Number(process.env.CHANCE ?? 1) });

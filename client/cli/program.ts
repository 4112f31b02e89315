import { Command, Option } from 'commander'
import { balance, topUp, withdraw } from './balance.ts'
import { call } from './call.ts'
import { channels, close, recover } from './channels.ts'
import { defaults } from './Environment.ts'

/** The commands and their options. `done` gets the exit code of the one that ran. */
export function makeProgram(done: (code: number) => void): Command {
  const program = new Command('farthing')
    .description('Calls paid HTTP resources over x402 and MPP, within limits.')
    .version('0.1.0')
    .showHelpAfterError()
  const command = (usage: string, description: string) =>
    program
      .command(usage)
      .description(description)
      .addOption(new Option('--private-key-file <path>', 'file with the key (else FARTHING_PRIVATE_KEY)'))
      .option('--max-per-day <amount>', `most in a day (FARTHING_MAX_PER_DAY, default ${defaults.maxPerDay})`)
      .option(
        '--max-deposit <amount>',
        `most in one channel (FARTHING_MAX_DEPOSIT, default ${defaults.maxDeposit})`,
      )
      .option(
        '--decimals <number>',
        `decimals of the token (FARTHING_DECIMALS, default ${defaults.decimals})`,
      )
      .option('--allow-insecure', 'allow plain HTTP to other machines')
      .option('--json', 'write JSON, also on a terminal')

  command('call', 'Calls a URL and pays what it asks.')
    .argument('<url>')
    .option('-X, --request <method>', 'HTTP method')
    .option('-H, --header <line>', 'request header, repeatable', collect)
    .option('-d, --data <text>', 'request body')
    .option('--data-binary <text>', 'request body; @file or @- reads it')
    .option('-i, --include', 'write the answer’s head too')
    .option('-o, --output <file>', 'write the answer to a file')
    .option('-v, --verbose', 'say more on standard error')
    .option('--max-price <amount>', `most for this call (FARTHING_MAX_PRICE, default ${defaults.maxPrice})`)
    .option('--rail <rail>', 'channel, charge or balance; repeatable, in order', collect)
    .option('--idempotency-key <key>', 'repeat an earlier call without paying again')
    .action(async (url, options) => done(await call(url, options)))
  command('channels', 'Lists the channels of this wallet.').action(async (options) =>
    done(await channels(options)),
  )
  command('close', 'Closes a channel and takes the rest back.')
    .argument('[channel]')
    .option('--all', 'close every channel')
    .option('--force', 'on chain, without the gateway; run again after the grace period')
    .action(async (channel, options) => done(await close(channel, options)))
  command('topup', 'Adds to the balance at a gateway, or to a channel.')
    .argument('<amount>')
    .argument('<url>')
    .option('--balance', 'the balance (default)')
    .option('--channel', 'the open channel with that origin')
    .option('--token <symbol>', 'another than the gateway’s first token')
    .action(async (amount, url, options) => done(await topUp(amount, url, options)))
  command('balance', 'Shows what a gateway holds for this wallet.')
    .argument('<url>')
    .action(async (url, options) => done(await balance(url, options)))
  command('withdraw', 'Pays credit at a gateway out on chain.')
    .argument('<amount>')
    .argument('<url>')
    .option('--to <address>', 'another than this wallet; the request is signed')
    .option('--token <symbol>', 'another than the gateway’s first token')
    .option('--idempotency-key <key>', 'ask for an earlier withdrawal again')
    .option('--wait', 'until it is paid or has failed, two minutes at most')
    .action(async (amount, url, options) => done(await withdraw(amount, url, options)))
  command('recover', 'Rebuilds lost channels from their gateway.')
    .argument('<url>')
    .action(async (url, options) => done(await recover(url, options)))
  for (const each of [program, ...program.commands]) each.exitOverride()
  return program
}

const collect = (value: string, earlier: string[] = []) => [...earlier, value]

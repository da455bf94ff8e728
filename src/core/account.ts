export { accountName, parseAccount } from '../model/account.ts';

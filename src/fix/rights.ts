/** Does something in another user's name. Only for synchronous work: the credentials are those of the whole process meanwhile. */
export function asUser<T>(user: { readonly uid: number; readonly gid: number } | null, work: () => T): T {
  if (user === null || process.geteuid?.() !== 0 || process.getegid === undefined) return work()
  const [gid, groups] = [process.getegid(), process.getgroups!()]
  process.setgroups!([user.gid])
  process.setegid!(user.gid)
  process.seteuid!(user.uid)
  try {
    return work()
  } finally {
    process.seteuid!(0)
    process.setegid!(gid)
    process.setgroups!(groups)
  }
}

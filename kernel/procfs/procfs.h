/* kernel/procfs/procfs.h - /proc: the kernel's figures and every process, as files (proc(5)).
 * Below: fs (inodes), proc.  Above: main. */
#pragma once

#include "kernel/fs/inode.h"

/* Put /proc into the tree.  After fs_init() and process_init(). */
void procfs_init(void);

/* Files of frames (frames.c): one 64-bit word for each page or frame. */
extern const struct file_ops pagemap_file_ops, kpageflags_file_ops, kpagecount_file_ops;

/* The process whose /proc/PID the file is in. */
uint32_t procfs_pid_of(const struct file *file);

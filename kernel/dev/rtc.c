/* The battery clock: seconds to years in CMOS registers, in BCD or binary, 12 or 24 hours.  While it
 * carries from one register to the next (once a second, about 2 ms), what can be read is nonsense: the
 * registers are read until two readings agree with no update under way.
 * Reading     Motorola MC146818 data sheet; Howard Hinnant: chrono-compatible low-level date
 *             algorithms (days from a date). */
#include "kernel/dev/rtc.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/lib/string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

enum cmos_register {
    CMOS_SECONDS = 0,
    CMOS_MINUTES = 2,
    CMOS_HOURS = 4,
    CMOS_DAY = 7,
    CMOS_MONTH = 8,
    CMOS_YEAR = 9,
    CMOS_STATUS_A = 10,
    CMOS_STATUS_B = 11,
    CMOS_CENTURY = 0x32, /* where PCs have it */
};
#define UPDATE_IN_PROGRESS 0x80
#define FORMAT_24_HOURS 0x02
#define FORMAT_BINARY 0x04
#define HOURS_PM 0x80
#define UPDATE_POLLS 10000u
#define READINGS 10u

#define SECONDS_PER_DAY 86400u

struct rtc_time {
    uint8_t seconds, minutes, hours, day, month, year, century, status;
};

static uint64_t boot_ns; /* the time when timer_ns() was 0 */

static uint8_t cmos_read(enum cmos_register reg)
{
    out8(CMOS_INDEX, (uint8_t)reg);
    return in8(CMOS_DATA);
}

static void read_registers(struct rtc_time *time)
{
    for (unsigned i = 0; i < UPDATE_POLLS && (cmos_read(CMOS_STATUS_A) & UPDATE_IN_PROGRESS);
         i++)
        ;
    *time = (struct rtc_time){
        .seconds = cmos_read(CMOS_SECONDS),
        .minutes = cmos_read(CMOS_MINUTES),
        .hours = cmos_read(CMOS_HOURS),
        .day = cmos_read(CMOS_DAY),
        .month = cmos_read(CMOS_MONTH),
        .year = cmos_read(CMOS_YEAR),
        .century = cmos_read(CMOS_CENTURY),
        .status = cmos_read(CMOS_STATUS_B),
    };
}

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 15));
}

static void decode(struct rtc_time *time)
{
    bool pm = !(time->status & FORMAT_24_HOURS) && (time->hours & HOURS_PM);

    if (!(time->status & FORMAT_24_HOURS))
        time->hours &= (uint8_t)~HOURS_PM;
    if (!(time->status & FORMAT_BINARY)) {
        uint8_t *const fields[] = { &time->seconds, &time->minutes, &time->hours,
                                    &time->day,     &time->month,   &time->year };
        for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
            *fields[i] = from_bcd(*fields[i]);
    }
    time->century = from_bcd(time->century);
    if (!(time->status & FORMAT_24_HOURS))
        time->hours = (uint8_t)(time->hours % 12 + (pm ? 12 : 0));
}

/* Days from 1970-01-01 to a date of the Gregorian calendar.  Years begin in March here: the leap day is
 * the last one of a year. */
static uint32_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    const uint32_t days_per_era = 146097; /* 400 years */
    const uint32_t days_to_1970 = 719468; /* from 0000-03-01 */

    if (month <= 2)
        year--;
    uint32_t era = year / 400, of_era = year % 400;
    uint32_t month_from_march = (month + 9) % 12;
    uint32_t of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return era * days_per_era + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           days_to_1970;
}

static bool is_sane(const struct rtc_time *time)
{
    return time->month >= 1 && time->month <= 12 && time->day >= 1 && time->day <= 31 &&
           time->hours < 24 && time->minutes < 60 && time->seconds < 60 && time->year < 100;
}

void rtc_init(void)
{
    struct rtc_time first, time;

    read_registers(&time);
    for (unsigned i = 0; i < READINGS; i++) {
        first = time;
        read_registers(&time);
        if (!memcmp(&first, &time, sizeof(time)))
            break;
    }
    decode(&time);
    if (!is_sane(&time))
        return; /* no clock: it is 1970 */
    uint32_t century = time.century >= 19 && time.century < 30 ? time.century : 20;
    uint32_t days = days_since_1970(century * 100 + time.year, time.month, time.day);
    uint32_t seconds = (time.hours * 60u + time.minutes) * 60u + time.seconds;
    rtc_set_ns(((uint64_t)days * SECONDS_PER_DAY + seconds) * NS_PER_SECOND);
}

uint64_t rtc_now_ns(void)
{
    uint32_t irq = irq_save();
    uint64_t now = boot_ns + timer_ns();
    irq_restore(irq);
    return now;
}

void rtc_set_ns(uint64_t now)
{
    uint32_t irq = irq_save();
    boot_ns = now - timer_ns();
    irq_restore(irq);
}

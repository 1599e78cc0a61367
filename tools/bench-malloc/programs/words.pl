# Words of this text, counted, sorted and joined: hashes, arrays, strings, closures, regular expressions.
use strict;
my (%count, %places, @lines);
open(my $file, '<', $ARGV[0]) or die "$ARGV[0]: $!";
while (my $line = <$file>) {
    push @lines, $line;
    my $number = @lines;
    while ($line =~ /([A-Za-z_]\w*)/g) {
        $count{$1}++;
        push @{ $places{$1} }, $number;
    }
}
my @order = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
my %by_length;
push @{ $by_length{length $_} }, $_ for @order;
my $text = join '', map { my $w = $_; "$w: " . join(', ', @{ $places{$w} }) . "\n" } @order;
my @upper = map { uc } grep { /e/ } @order;
my %inverse = map { lc($_) => { name => $_, first => $places{lc $_}[0] // 0 } } @upper;
delete @inverse{ (sort keys %inverse)[0 .. 20] };
for my $pass (1 .. 3) {
    my @parts = split /[\s,]+/, $text;
    my %seen = map { $_ => 1 } @parts;
    $text .= join ' ', reverse sort keys %seen;
}
print length($text), "\n";
